//! How results look: text for people, documents for programs.
//!
//! Invariant: pure; nothing here prints. [`json_view`], [`procfile_view`] and [`report_view`] have the only types that are serialised.

pub mod document;
pub mod help;
pub mod human;
pub mod json_view;
pub mod line_buffer;
pub mod procfile_view;
pub mod progress;
pub mod report;
pub mod report_view;
