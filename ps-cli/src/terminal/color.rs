//! Whether a stream gets colours: the flag decides, then `NO_COLOR`, then what the stream is.

use crate::arguments::ColorChoice;
use crate::environment::Environment;

/// Whether colours are written to a stream.
pub(super) fn is_wanted(choice: ColorChoice, environment: &Environment, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            is_terminal && environment.text("NO_COLOR").is_none() && environment.text("TERM") != Some("dumb")
        }
    }
}
