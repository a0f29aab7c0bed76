//! Archives that people make, and archives that somebody made to do harm. Invariant: each is built here, byte by byte where a
//! library would not write it.

mod honest;
mod hostile_tar;
mod hostile_zip;
mod samples;
