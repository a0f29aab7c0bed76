//! The source reader on real directories. Invariant: each test has a temporary directory of its own, and an environment that is
//! given, never the process's.

#![expect(clippy::unwrap_used, reason = "a tree that cannot be made or read fails the test")]

mod archive;
mod context;
mod directory;
mod dockerignore;
mod registry;
mod tree;
