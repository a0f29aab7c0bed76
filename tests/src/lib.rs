//! Tests that need more than one crate. Start at [`conformance`], the obligations of every engine, and at [`end_to_end`], whole
//! commands of psctl: both are written once, as data.

pub mod conformance;
pub mod end_to_end;
pub mod engines;
