//! A parsed CHECKS file, the early format of checks. Invariant: it holds path checks only, all with the same times, as Dokku's
//! converter makes them.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use crate::diagnostic::{Diagnostics, FormatErrors, ProblemKind};
use crate::file_text::{TextLine, conflict_marker, file_text, lines_of, whole_number};
use crate::findings::{Findings, Problem};
use crate::health_check::{
    ATTEMPTS_LIMIT, CheckKind, CheckPurpose, HealthCheck, HttpHeader, PathCheck, SECONDS_LIMIT, Scheme,
};
use crate::text_rule::TextRule;

/// The checks of `web` in a CHECKS file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChecksFile {
    /// The checks in the order of the file, named `check-1` and so on, all to be run at the start of a replica. Perhaps none.
    pub checks: Vec<HealthCheck>,
    /// What the file says that does nothing here.
    pub warnings: Diagnostics,
}

/// The settings, before any line.
struct Settings {
    wait: u32,
    timeout: u32,
    attempts: u32,
    first_lines: HashMap<&'static str, usize>,
}

impl ChecksFile {
    /// Parses a whole file, and reports all errors, in file order.
    ///
    /// A line is blank, a setting (`WAIT=5`, `TIMEOUT=30`, `ATTEMPTS=5`, with these defaults), or a check: a path, a blank and
    /// the text that the answer has to contain, if any. A `#` begins a comment. `//host/path`, `http://host/path` and
    /// `https://host/path` send the host as the `Host` header, to the port of the process as any other check. Settings hold for
    /// all checks, wherever they stand; each can be given once. Templates (`{{ … }}`) are refused: a check says the same whatever
    /// the app's config is.
    ///
    /// ```
    /// use ps_appjson::{CheckKind, ChecksFile};
    ///
    /// let file = ChecksFile::parse(b"WAIT=2\n//shop.example/health  all is well\n")?;
    /// let check = &file.checks[0];
    /// assert_eq!((check.wait.as_secs(), check.timeout.as_secs(), check.attempts), (2, 30, 5));
    /// let CheckKind::Path(path) = &check.kind else { unreachable!() };
    /// assert_eq!((path.path.as_str(), path.content.as_deref()), ("/health", Some("all is well")));
    /// assert_eq!(path.headers[0].value, "shop.example");
    /// # Ok::<(), ps_appjson::FormatErrors>(())
    /// ```
    pub fn parse(source: &[u8]) -> Result<Self, FormatErrors> {
        let text = file_text(source)?;
        let mut findings = Findings::new(text);
        let mut settings = Settings {
            wait: 5,
            timeout: 30,
            attempts: 5,
            first_lines: HashMap::new(),
        };
        let mut paths = Vec::new();
        for line in lines_of(text) {
            if let Some(problem) = conflict_marker(line.text) {
                findings.error(line.span(0..line.text.len()), String::new(), problem);
            } else if let Some(at) = line.text.find("{{") {
                let message = "templates are not read";
                let hint = "write the text itself; for a check that depends on config use `command` in app.json";
                let problem = Problem::new(ProblemKind::Syntax, message, hint);
                findings.error(line.span(at..line.text.len()), String::new(), problem);
            } else if !settings.take(&line, &mut findings) {
                paths.extend(read_path_check(&line, &mut findings));
            }
        }
        if paths.is_empty() && !text.is_empty() {
            let hint = "add a path such as `/health`, or remove the file";
            let problem = Problem::new(ProblemKind::Ignored, "there is no check in this file", hint);
            findings.warning(0..0, String::new(), problem);
        }
        let warnings = findings.finish()?;
        let checks = paths.into_iter().enumerate();
        let checks = checks.map(|(at, path)| settings.check(at, path)).collect();
        Ok(Self { checks, warnings })
    }
}

impl Settings {
    /// Whether the line is a setting; it is taken, if it is a good one.
    fn take(&mut self, line: &TextLine<'_>, findings: &mut Findings<'_>) -> bool {
        let Some((name, value)) = line.text.split_once('=') else {
            return false;
        };
        let (key, target, bounds, example) = match name.trim_end().to_ascii_uppercase().as_str() {
            "WAIT" => ("WAIT", &mut self.wait, 0..=SECONDS_LIMIT, "WAIT=5"),
            "TIMEOUT" => ("TIMEOUT", &mut self.timeout, 1..=SECONDS_LIMIT, "TIMEOUT=30"),
            "ATTEMPTS" => ("ATTEMPTS", &mut self.attempts, 1..=ATTEMPTS_LIMIT, "ATTEMPTS=5"),
            _ => return false,
        };
        let value_at = line.text.len() - value.len();
        let (span, problem) = if name != key {
            let problem = Problem::new(
                ProblemKind::Syntax,
                format!("the setting is `{key}=`, in capitals and without blanks"),
                written(example),
            );
            (0..name.len(), problem)
        } else if let Some(first) = self.first_lines.insert(key, line.number) {
            let message = format!("`{key}` is already on line {first}, and holds for all checks");
            (
                0..key.len(),
                Problem::new(ProblemKind::Duplicate, message, "remove one of the two"),
            )
        } else {
            match whole_number(value, &bounds) {
                Ok(number) => {
                    *target = number;
                    return true;
                }
                Err(message) => (
                    value_at..line.text.len(),
                    Problem::new(ProblemKind::OutOfRange, message, written(example)),
                ),
            }
        };
        findings.error(line.span(span), String::new(), problem);
        true
    }

    fn check(&self, at: usize, path: PathCheck) -> HealthCheck {
        HealthCheck {
            name: format!("check-{}", at + 1),
            description: None,
            purpose: CheckPurpose::Startup,
            kind: CheckKind::Path(path),
            initial_delay: Duration::ZERO,
            attempts: self.attempts,
            timeout: Duration::from_secs(self.timeout.into()),
            wait: Duration::from_secs(self.wait.into()),
            warn: false,
        }
    }
}

fn written(example: &str) -> String {
    format!("write for example `{example}`")
}

/// `<path> [content]`, the path with or without a host.
fn read_path_check(line: &TextLine<'_>, findings: &mut Findings<'_>) -> Option<PathCheck> {
    let url_end = line.text.find([' ', '\t']).unwrap_or(line.text.len());
    let (url, content) = line.text.split_at_checked(url_end)?;
    let mut refuse = |span: Range<usize>, problem| findings.error(line.span(span), String::new(), problem);
    let (scheme, rest) = match url.split_once("//") {
        Some(("" | "http:", rest)) => (Scheme::Http, Some(rest)),
        Some(("https:", rest)) => (Scheme::Https, Some(rest)),
        _ => (Scheme::Http, None),
    };
    let (host, path) = match rest.map(|rest| rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))) {
        Some(Some((host, path))) => (Some(host), if path.is_empty() { "/" } else { path }),
        _ => (None, url),
    };
    if host.is_some_and(|host| !is_host(host)) {
        let problem = Problem::new(
            ProblemKind::InvalidValue,
            "there is no name of a host after `//`",
            "write for example `//shop.example/health`, or `/health` for no host",
        );
        refuse(0..url_end, problem);
        return None;
    }
    if !path.starts_with('/') {
        let message = "this is neither a path nor a setting";
        let hint = "write a path that begins with `/`, or `WAIT=`, `TIMEOUT=` or `ATTEMPTS=` and a number";
        refuse(0..url_end, Problem::new(ProblemKind::Syntax, message, hint));
        return None;
    }
    if let Some(mut problem) = TextRule::UrlPath.problem(path) {
        problem.message.insert_str(0, "this ");
        refuse(0..url_end, problem);
        return None;
    }
    let host = host.map(|host| HttpHeader {
        name: "Host".to_owned(),
        value: host.to_owned(),
    });
    Some(PathCheck {
        path: path.to_owned(),
        content: Some(content.trim().to_owned()).filter(|content| !content.is_empty()),
        port: None,
        scheme,
        headers: host.into_iter().collect(),
    })
}

/// A name or address, with a port or without.
fn is_host(host: &str) -> bool {
    let is_of_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    !host.is_empty() && host.bytes().all(is_of_host)
}
