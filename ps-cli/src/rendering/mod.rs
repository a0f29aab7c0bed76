//! How results look: text for people, documents for programs.
//!
//! Invariant: pure; nothing here prints. [`json_view`], [`procfile_view`], [`releases`], [`report_view`], [`runs`] and [`traffic`] have the only
//! Invariant: pure; nothing here prints. [`events`], [`json_view`], [`procfile_view`], [`releases`], [`report_view`] and [`runs`] have the only
//! types that are serialised.
//! Invariant: pure; nothing here prints. [`json_view`], [`procfile_view`], [`releases`], [`report_view`], [`restore`] and [`runs`]
//! have the only types that are serialised.
//! Invariant: pure; nothing here prints. [`json_view`], [`procfile_view`], [`releases`], [`report_view`], [`restore`], [`runs`] and
//! [`traffic`] have the only types that are serialised.

pub mod columns;
pub mod doctor;
pub mod document;
pub mod events;
pub mod help;
pub mod human;
pub mod json_view;
pub mod line_buffer;
pub mod links;
pub mod manual;
pub mod moment;
pub mod procfile_view;
pub mod progress;
pub mod releases;
pub mod report;
pub mod report_view;
pub mod restore;
pub mod runs;
pub mod traffic;
