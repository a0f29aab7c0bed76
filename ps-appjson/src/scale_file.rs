//! A parsed `DOKKU_SCALE`, the early format of a formation. Invariant: names are process types, each stands once, and `release`
//! is not scaled.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use crate::diagnostic::{FormatErrors, ProblemKind};
use crate::file_text::{TextLine, conflict_marker, file_text, lines_of, whole_number};
use crate::findings::{Findings, Problem};
use crate::names::{NameRule, shown};

/// The most replicas a process type may have, here and in app.json.
pub const QUANTITY_LIMIT: u32 = 1000;

/// Quantities by process type. Types that do not stand there keep theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScaleFile {
    /// How many replicas each named type has, at most [`QUANTITY_LIMIT`]. Perhaps none is named.
    pub quantities: BTreeMap<String, u32>,
}

impl ScaleFile {
    /// Parses a whole file, and reports all errors, in file order.
    ///
    /// A line is blank or `type=count`, without blanks around the `=`. A `#` begins a comment.
    ///
    /// ```
    /// use ps_appjson::ScaleFile;
    ///
    /// let file = ScaleFile::parse(b"# what we pay for\nweb=1\nworker=2\n")?;
    /// assert_eq!(file.quantities["worker"], 2);
    /// # Ok::<(), ps_appjson::FormatErrors>(())
    /// ```
    pub fn parse(source: &[u8]) -> Result<Self, FormatErrors> {
        let text = file_text(source)?;
        let mut findings = Findings::new(text);
        let mut first_lines = HashMap::new();
        let mut quantities = BTreeMap::new();
        for line in lines_of(text) {
            match read_line(&line, &mut first_lines) {
                Ok((name, quantity)) => {
                    quantities.insert(name.to_owned(), quantity);
                }
                Err((span, problem)) => findings.error(line.span(span), String::new(), problem),
            }
        }
        findings.finish()?;
        Ok(Self { quantities })
    }
}

fn read_line<'a>(
    line: &TextLine<'a>,
    first_lines: &mut HashMap<&'a str, usize>,
) -> Result<(&'a str, u32), (Range<usize>, Problem)> {
    let whole_line = 0..line.text.len();
    if let Some(problem) = conflict_marker(line.text) {
        return Err((whole_line, problem));
    }
    let Some((name, count)) = line.text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        let problem = Problem::new(
            ProblemKind::Syntax,
            "this is not `type=count`",
            "write for example `web=1`, or `#` first for a comment",
        );
        return Err((whole_line, problem));
    };
    if !NameRule::ProcessType.accepts(name) {
        let message = format!(
            "`{}` is no process type: {}",
            shown(name),
            NameRule::ProcessType.words()
        );
        let hint = match NameRule::ProcessType.mended(name.trim_end()) {
            Some(mended) => format!("write `{mended}={}`", shown(count.trim())),
            None => "give it another name".to_owned(),
        };
        let problem = Problem::new(ProblemKind::InvalidName, message, hint);
        return Err((0..name.len(), problem));
    }
    if let Some(first) = first_lines.insert(name, line.number) {
        let message = format!("`{name}` is already on line {first}");
        return Err((
            0..name.len(),
            Problem::new(ProblemKind::Duplicate, message, "remove one of the two"),
        ));
    }
    match whole_number(count, &(0..=QUANTITY_LIMIT)) {
        Ok(quantity) if quantity > 0 && name == "release" => {
            let message = "`release` runs once in every deploy and cannot be scaled";
            let hint = "remove the line, or write `release=0`";
            Err((whole_line, Problem::new(ProblemKind::InvalidValue, message, hint)))
        }
        Ok(quantity) => Ok((name, quantity)),
        Err(message) => {
            let problem = Problem::new(
                ProblemKind::OutOfRange,
                message,
                format!("write for example `{name}=1`"),
            );
            Err((line.text.len() - count.len()..line.text.len(), problem))
        }
    }
}
