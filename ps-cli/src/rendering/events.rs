//! The audit trail: lines of at most 80 columns, and the document `psctl.events/1`.
//!
//! Invariant: pure; nothing of an entry is left out. What does not fit behind the words of its line stands below them.

use ps_core::audit::NumberedAuditEntry;
use ps_core::names::AppName;
use serde::Serialize;
use serde_json::Value;

use super::moment::rfc3339;

const WIDTH: usize = 80;
/// Where the app stands, and what does not fit a line: behind the time.
const INDENT: usize = 21;

/// How wide the columns of apps and commands are: as wide as they had to be so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    app: usize,
    verb: usize,
}

impl Columns {
    /// Makes room for these entries.
    pub fn widen(&mut self, entries: &[NumberedAuditEntry]) {
        // A longer name stands out of its column.
        const WIDEST: usize = 16;
        for NumberedAuditEntry { entry, .. } in entries {
            self.app = self.app.max(app_text(entry.app.as_ref()).len().min(WIDEST));
            self.verb = self.verb.max(entry.verb.len().min(WIDEST));
        }
    }

    /// The lines of one entry: `2026-11-22 21:30:12  shop  ps:scale  done  scaled web=3  (by alice)`.
    pub fn lines(&self, numbered: &NumberedAuditEntry) -> Vec<String> {
        let entry = &numbered.entry;
        let time = rfc3339(entry.at).replace('T', " ");
        let head = format!(
            "{}  {:<app$}  {:<verb$}  {:<6}",
            time.trim_end_matches('Z'),
            app_text(entry.app.as_ref()),
            entry.verb,
            entry.outcome.to_string(),
            app = self.app,
            verb = self.verb,
        );
        let by = entry.by.as_ref().map(|by| format!("  (by {by})")).unwrap_or_default();
        let line = format!("{head}  {}{by}", entry.text);
        if line.chars().count() <= WIDTH {
            return vec![line.trim_end().to_owned()];
        }
        let mut lines = vec![format!("{}{by}", head.trim_end())];
        lines.extend(wrapped(&entry.text));
        lines
    }
}

fn app_text(app: Option<&AppName>) -> &str {
    app.map_or("-", AppName::as_str)
}

/// A text behind the indent; a word that is wider than a line has one of its own.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{:INDENT$}{word}", "")),
        }
    }
    lines
}

/// `psctl.events/1`
#[derive(Debug, Serialize)]
pub struct EventsView<'a> {
    schema: &'static str,
    events: Vec<EventView<'a>>,
}

#[derive(Debug, Serialize)]
struct EventView<'a> {
    number: u64,
    at: String,
    app: Option<&'a str>,
    verb: &'a str,
    outcome: String,
    text: &'a str,
    by: Option<&'a str>,
}

impl<'a> EventsView<'a> {
    /// Entries, the newest last.
    pub fn new(entries: &'a [NumberedAuditEntry]) -> Self {
        Self {
            schema: "psctl.events/1",
            events: entries.iter().map(view).collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        super::json_view::document(self)
    }
}

/// One entry as an object.
pub fn event(entry: &NumberedAuditEntry) -> Value {
    super::json_view::document(&view(entry))
}

fn view(numbered: &NumberedAuditEntry) -> EventView<'_> {
    let entry = &numbered.entry;
    EventView {
        number: numbered.number,
        at: rfc3339(entry.at),
        app: entry.app.as_ref().map(AppName::as_str),
        verb: &entry.verb,
        outcome: entry.outcome.to_string(),
        text: &entry.text,
        by: entry.by.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use ps_core::audit::{AuditEntry, AuditOutcome};

    use super::*;

    fn entry(app: Option<&str>, verb: &str, text: &str, by: Option<&str>) -> NumberedAuditEntry {
        NumberedAuditEntry {
            number: 1,
            entry: AuditEntry {
                at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_383_012),
                app: app.map(|app| app.parse().unwrap()),
                verb: verb.to_owned(),
                by: by.map(str::to_owned),
                outcome: AuditOutcome::Done,
                text: text.to_owned(),
            },
        }
    }

    fn lines(entries: &[NumberedAuditEntry]) -> Vec<String> {
        let mut columns = Columns::default();
        columns.widen(entries);
        entries.iter().flat_map(|entry| columns.lines(entry)).collect()
    }

    #[test]
    fn an_entry_is_a_line() {
        let entries = [
            entry(Some("shop"), "ps:scale", "scaled web=3", Some("alice")),
            entry(None, "ps:set", "set init to false", None),
        ];
        let expected = [
            "2026-11-22 21:30:12  shop  ps:scale  done    scaled web=3  (by alice)",
            "2026-11-22 21:30:12  -     ps:set    done    set init to false",
        ];
        assert_eq!(lines(&entries), expected);
    }

    #[test]
    fn what_does_not_fit_stands_below() {
        let text = "could not start shop.web.2: docker refused: a port of this host that was asked for is in use";
        let entries = [entry(Some("shop"), "deploy", text, Some("alice"))];
        let expected = [
            "2026-11-22 21:30:12  shop  deploy  done  (by alice)",
            "                     could not start shop.web.2: docker refused: a port of this",
            "                     host that was asked for is in use",
        ];
        assert_eq!(lines(&entries), expected);
    }

    #[test]
    fn no_line_is_longer_than_80_columns_and_no_word_is_lost() {
        let long = "a-name-of-an-app-that-is-as-long-as-any-name-of-an-app-may-be-00";
        for length in [1, 30, 59, 200] {
            let text = format!("set {}", "ab ".repeat(length));
            let entries = [entry(Some("a"), "config:import", text.trim(), Some("bob"))];
            let lines = lines(&entries);
            assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
            let words: usize = lines
                .iter()
                .map(|line| line.split(' ').filter(|word| *word == "ab").count())
                .sum();
            assert_eq!(words, length);
        }
        let entries = [entry(Some(&long[..63]), "ps:set", "x", None)];
        assert!(lines(&entries)[0].contains(&long[..63]));
    }
}
