//! Puts checks of app.json together. Invariant: a check that comes out has exactly one kind; one with none or two is an error.

use std::ops::Range;
use std::time::Duration;

use crate::app_json_shape::KINDS_OF_CHECK;
use crate::diagnostic::ProblemKind;
use crate::findings::{Findings, Problem};
use crate::health_check::{
    CheckKind, CheckPurpose, DEFAULT_ATTEMPTS, DEFAULT_TIMEOUT, DEFAULT_WAIT, HealthCheck, HttpHeader, PathCheck,
    Scheme,
};
use crate::key_path::KeyPath;
use crate::piece::{Content, Fields, Piece};

/// The checks of a process type; those with an error are left out.
pub(crate) fn read_checks(list: &Piece<'_>, path: &KeyPath<'_>, findings: &mut Findings<'_>) -> Vec<HealthCheck> {
    let Content::List(elements) = &list.content else {
        return Vec::new();
    };
    let checks = elements.iter().enumerate().filter_map(|(at, element)| {
        let Content::Record(fields) = &element.content else {
            return None;
        };
        read_check(fields, at, &element.span, &path.index(at), findings)
    });
    checks.collect()
}

fn read_check(
    fields: &Fields<'_>,
    at: usize,
    span: &Range<usize>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'_>,
) -> Option<HealthCheck> {
    let kind = read_kind(fields, span, path, findings);
    let purpose = read_purpose(fields, path, findings);
    let seconds = |key| {
        fields
            .whole(key)
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(seconds.into()))
    };
    Some(HealthCheck {
        name: fields
            .unblank_text("name")
            .unwrap_or_else(|| format!("check-{}", at + 1)),
        description: fields.unblank_text("description"),
        purpose: purpose?,
        kind: kind?,
        initial_delay: seconds("initialDelay").unwrap_or_default(),
        attempts: fields
            .whole("attempts")
            .filter(|attempts| *attempts > 0)
            .unwrap_or(DEFAULT_ATTEMPTS),
        timeout: seconds("timeout").unwrap_or(DEFAULT_TIMEOUT),
        wait: seconds("wait").unwrap_or(DEFAULT_WAIT),
        warn: fields.flag("warn").unwrap_or_default(),
    })
}

fn read_purpose(fields: &Fields<'_>, path: &KeyPath<'_>, findings: &mut Findings<'_>) -> Option<CheckPurpose> {
    let piece = fields.given("type")?;
    match fields.text("type")? {
        "startup" => Some(CheckPurpose::Startup),
        "liveness" => Some(CheckPurpose::Liveness),
        _ => {
            let message = "`readiness` checks are not run";
            let hint = "write `startup` if it should decide when a replica is ready";
            let problem = Problem::new(ProblemKind::Ignored, message, hint);
            findings.warning(piece.span.clone(), path.key("type").to_string(), problem);
            Some(CheckPurpose::Readiness)
        }
    }
}

fn read_kind(
    fields: &Fields<'_>,
    span: &Range<usize>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'_>,
) -> Option<CheckKind> {
    let mut given: Vec<_> = KINDS_OF_CHECK
        .iter()
        .filter_map(|key| fields.given(key).map(|piece| (*key, piece)))
        .collect();
    given.sort_by_key(|(_, piece)| piece.span.start);
    match given.as_slice() {
        [("path", _)] => read_path_check(fields).map(CheckKind::Path),
        [("command", piece)] => read_command(piece, path, findings),
        [("listening", _)] => fields
            .flag("listening")
            .map(|_| CheckKind::Listening { port: port(fields) }),
        [("uptime", _)] => fields
            .whole("uptime")
            .map(|seconds| CheckKind::Uptime(Duration::from_secs(seconds.into()))),
        [(first, _), (second, piece), ..] => {
            let message = format!("stands beside `{first}`, and a check has one kind");
            let problem = Problem::new(
                ProblemKind::Conflict,
                message,
                "make two checks of it; both have to pass",
            );
            findings.error(piece.span.clone(), path.key(second).to_string(), problem);
            None
        }
        _ => {
            let message = "does not say what is checked: it has no `path`, `command`, `listening` or `uptime`";
            let hint = "add for example `\"path\": \"/health\"` or `\"uptime\": 10`";
            let problem = Problem::new(ProblemKind::Missing, message, hint);
            findings.error(span.start..span.start + 1, path.to_string(), problem);
            None
        }
    }
}

fn read_command(list: &Piece<'_>, path: &KeyPath<'_>, findings: &mut Findings<'_>) -> Option<CheckKind> {
    let Content::List(elements) = &list.content else {
        return None;
    };
    let words = elements.iter().map(|element| match element.content {
        Content::Text(word) => Some(word.to_owned()),
        _ => None,
    });
    let words: Vec<String> = words.collect::<Option<_>>()?;
    if words.first().is_some_and(|program| program.trim().is_empty()) {
        let hint = "write for example `[\"bin/check\", \"--quick\"]`";
        let problem = Problem::new(ProblemKind::InvalidValue, "has no program as its first word", hint);
        findings.error(list.span.clone(), path.key("command").to_string(), problem);
        return None;
    }
    Some(CheckKind::Command(words))
}

fn read_path_check(fields: &Fields<'_>) -> Option<PathCheck> {
    let headers = fields
        .list("httpHeaders")
        .iter()
        .filter_map(|element| match &element.content {
            Content::Record(header) => Some(HttpHeader {
                name: header.text("name")?.to_owned(),
                value: header.text("value").unwrap_or_default().to_owned(),
            }),
            _ => None,
        });
    let scheme = match fields.text("scheme") {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    Some(PathCheck {
        path: fields.text("path")?.to_owned(),
        content: fields.text("content").map(str::to_owned),
        port: port(fields),
        scheme,
        headers: headers.collect(),
    })
}

fn port(fields: &Fields<'_>) -> Option<u16> {
    fields.whole("port").and_then(|port| port.try_into().ok())
}
