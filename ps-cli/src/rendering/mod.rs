//! How results look: text for people, documents for programs.
//!
//! Invariant: pure; nothing here prints. [`json_view`], [`procfile_view`], [`releases`], [`report_view`] and [`runs`] have the only
//! types that are serialised.

pub mod columns;
pub mod document;
pub mod help;
pub mod human;
pub mod json_view;
pub mod line_buffer;
pub mod moment;
pub mod procfile_view;
pub mod progress;
pub mod releases;
pub mod report;
pub mod report_view;
pub mod runs;
