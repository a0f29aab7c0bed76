//! The findings of `doctor`, as lines of at most 80 columns and as the document `psctl.doctor/1`.
//!
//! Invariant: pure; a command that mends something is never broken into two lines.

use ps_core::diagnosis::{Finding, Severity};
use serde::Serialize;
use serde_json::Value;

const WIDTH: usize = 80;

/// The lines of one finding.
///
/// ```
/// use ps_cli::rendering::doctor::lines;
/// use ps_core::diagnosis::{Facts, diagnose};
/// let findings = diagnose(&Facts::default());
/// assert_eq!(lines(&findings[0])[0], " !     engine-missing: no container engine answers");
/// ```
pub fn lines(finding: &Finding) -> Vec<String> {
    let mark = match finding.severity {
        Severity::Wrong => " !     ",
        Severity::Advice => "-----> ",
        Severity::Fine => "       ",
    };
    let title = format!("{}: {}", finding.id, finding.title);
    let mut lines = wrapped(&title, mark, "       ");
    for detail in &finding.details {
        lines.extend(wrapped(detail, "         ", "         "));
    }
    let cure = finding
        .cure
        .iter()
        .map(|cure| format!("         cure: {}", clean(cure)));
    lines.extend(cure);
    lines.extend(finding.see.iter().map(|see| format!("         see: {see}")));
    lines
}

/// `1 wrong, 2 to know, 9 fine`.
pub fn summary(findings: &[Finding]) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (wrong, advice, fine) = (count(Severity::Wrong), count(Severity::Advice), count(Severity::Fine));
    format!("{wrong} wrong, {advice} to know, {fine} fine")
}

/// What others wrote cannot move the cursor.
fn clean(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn wrapped(text: &str, first: &str, rest: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in clean(text).split_whitespace() {
        let length = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if !is_empty && length > WIDTH {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// `psctl.doctor/1`
#[derive(Debug, Serialize)]
pub struct DoctorView<'a> {
    schema: &'static str,
    wrong: usize,
    findings: Vec<FindingView<'a>>,
}

#[derive(Debug, Serialize)]
struct FindingView<'a> {
    id: &'a str,
    severity: &'static str,
    title: &'a str,
    details: &'a [String],
    cure: Option<&'a str>,
    see: Option<&'a str>,
}

impl<'a> DoctorView<'a> {
    /// All findings, in their order.
    pub fn new(findings: &'a [Finding]) -> Self {
        let view = |finding: &'a Finding| FindingView {
            id: finding.id,
            severity: match finding.severity {
                Severity::Wrong => "wrong",
                Severity::Advice => "advice",
                Severity::Fine => "fine",
            },
            title: &finding.title,
            details: &finding.details,
            cure: finding.cure.as_deref(),
            see: finding.see,
        };
        Self {
            schema: "psctl.doctor/1",
            wrong: findings
                .iter()
                .filter(|finding| finding.severity == Severity::Wrong)
                .count(),
            findings: findings.iter().map(view).collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        super::json_view::document(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_and_cures_are_not() {
        let finding = Finding {
            id: "disk",
            severity: Severity::Wrong,
            title: "word ".repeat(30),
            details: vec!["x".repeat(100), "detail ".repeat(20)],
            cure: Some("y ".repeat(60)),
            see: Some("docs/doctor.md"),
        };
        let lines = lines(&finding);
        assert!(lines[0].starts_with(" !     disk: word word"));
        assert!(lines[1].starts_with("       word"));
        let long: Vec<&String> = lines.iter().filter(|line| line.chars().count() > WIDTH).collect();
        assert_eq!(long.len(), 2, "{lines:?}");
        assert_eq!(lines.iter().filter(|line| line.contains("cure: ")).count(), 1);
    }
}
