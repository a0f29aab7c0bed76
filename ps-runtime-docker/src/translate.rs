//! Between the port's plain data and the engine's: specs to bodies, answers to summaries and details.
//!
//! Invariant: pure functions; nothing is asked and nothing is decided here.

mod answers;
mod document;
mod spec;
mod words;

pub(crate) use answers::{container_detail, container_list, engine_detail, image_detail, network_detail};
pub(crate) use document::parse_document;
pub(crate) use spec::{create_body, engine_restart_policy};
pub(crate) use words::{is_plain_word, query_value, split_tag, whole_seconds};
