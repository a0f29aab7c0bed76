//! Diagnostics of files on standard error, in colour where that is wanted.

use std::fmt::Write;

use anstyle::Style;
use ps_procfile::Role;

use super::{Terminal, cyan, lock, red, without_controls, yellow};

impl Terminal {
    /// Writes a diagnostic, and an end of line. `paint` calls what it is given with each piece of the text.
    pub fn diagnostics(&self, paint: impl FnOnce(&mut dyn FnMut(Role, &str))) {
        let redactor = self.redactor();
        let mut stream = lock(&self.err);
        let mut text = String::new();
        paint(&mut |role, piece| {
            let piece = without_controls(&redactor.redact(piece));
            let style = if stream.has_color { style(role) } else { Style::new() };
            // Writing to a string cannot fail.
            let _ = write!(text, "{style}{piece}{style:#}");
        });
        text.push('\n');
        stream.write(&text);
    }
}

/// What a piece looks like.
const fn style(role: Role) -> Style {
    match role {
        Role::Place => Style::new().bold(),
        Role::WarningWord | Role::WarningMark => yellow(),
        Role::ErrorMark => red(),
        Role::Hint => cyan(),
        _ => Style::new(),
    }
}
