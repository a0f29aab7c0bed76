//! A release's manifest as JSON in one column. Invariant: reading what was written gives the same value; a later version may add
//! fields, and each has a default.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::time::Duration;

use ps_core::checks::{CheckKind, CheckMoment, CheckWeight, HealthCheck, PathCheck, Scheme};
use ps_core::manifest::{FormationEntry, Manifest, Scripts};
use ps_core::names::ProcessType;
use serde::{Deserialize, Serialize};

use crate::classify_error::Failure;
use crate::columns::{from_json, parse, to_json};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct ManifestRow {
    formation: BTreeMap<String, FormationRow>,
    scale_file: Option<BTreeMap<String, u16>>,
    predeploy: Option<String>,
    postdeploy: Option<String>,
    first_deploy: Option<String>,
    checks: BTreeMap<String, Vec<CheckRow>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct FormationRow {
    quantity: Option<u16>,
    max_parallel: Option<NonZeroU16>,
}

#[derive(Serialize, Deserialize)]
struct CheckRow {
    name: Option<String>,
    liveness: bool,
    kind: KindRow,
    initial_delay: Duration,
    attempts: u32,
    timeout: Duration,
    wait: Duration,
    warn_only: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindRow {
    Path {
        path: String,
        content: Option<String>,
        port: Option<u16>,
        https: bool,
        headers: Vec<(String, String)>,
    },
    Command(Vec<String>),
    Listening {
        port: Option<u16>,
    },
    Uptime(Duration),
}

/// The JSON of a manifest.
pub(crate) fn store_manifest(manifest: &Manifest) -> Result<String, Failure> {
    // Taken apart whole, so that a new field cannot be forgotten.
    let Manifest {
        formation,
        scale_file,
        scripts: Scripts {
            predeploy,
            postdeploy,
            first_deploy,
        },
        checks,
    } = manifest.clone();
    to_json(&ManifestRow {
        formation: words(formation, |FormationEntry { quantity, max_parallel }| FormationRow {
            quantity,
            max_parallel,
        }),
        scale_file: scale_file.map(|quantities| words(quantities, |quantity| quantity)),
        predeploy,
        postdeploy,
        first_deploy,
        checks: words(checks, |checks| checks.into_iter().map(check_row).collect()),
    })
}

/// The manifest of a JSON.
pub(crate) fn read_manifest(json: &str) -> Result<Manifest, Failure> {
    let row: ManifestRow = from_json("the manifest of a release", json)?;
    Ok(Manifest {
        formation: types(row.formation, |FormationRow { quantity, max_parallel }| {
            FormationEntry { quantity, max_parallel }
        })?,
        scale_file: row
            .scale_file
            .map(|quantities| types(quantities, |quantity| quantity))
            .transpose()?,
        scripts: Scripts {
            predeploy: row.predeploy,
            postdeploy: row.postdeploy,
            first_deploy: row.first_deploy,
        },
        checks: types(row.checks, |checks| checks.into_iter().map(check).collect())?,
    })
}

fn words<V, R>(by_type: BTreeMap<ProcessType, V>, row: impl Fn(V) -> R) -> BTreeMap<String, R> {
    let rows = by_type.into_iter();
    rows.map(|(process_type, value)| (process_type.to_string(), row(value)))
        .collect()
}

fn types<R, V>(rows: BTreeMap<String, R>, value: impl Fn(R) -> V) -> Result<BTreeMap<ProcessType, V>, Failure> {
    let rows = rows.into_iter();
    rows.map(|(word, row)| Ok((parse("a process type", &word)?, value(row))))
        .collect()
}

fn check_row(check: HealthCheck) -> CheckRow {
    let HealthCheck {
        name,
        moment,
        kind,
        initial_delay,
        attempts,
        timeout,
        wait,
        weight,
    } = check;
    CheckRow {
        name,
        liveness: moment == CheckMoment::Liveness,
        kind: kind_row(kind),
        initial_delay,
        attempts,
        timeout,
        wait,
        warn_only: weight == CheckWeight::WarnOnly,
    }
}

fn kind_row(kind: CheckKind) -> KindRow {
    match kind {
        CheckKind::Path(PathCheck {
            path,
            content,
            port,
            scheme,
            headers,
        }) => KindRow::Path {
            path,
            content,
            port,
            https: scheme == Scheme::Https,
            headers,
        },
        CheckKind::Command(words) => KindRow::Command(words),
        CheckKind::Listening { port } => KindRow::Listening { port },
        CheckKind::Uptime(uptime) => KindRow::Uptime(uptime),
    }
}

fn check(row: CheckRow) -> HealthCheck {
    let kind = match row.kind {
        KindRow::Path {
            path,
            content,
            port,
            https,
            headers,
        } => CheckKind::Path(PathCheck {
            path,
            content,
            port,
            scheme: if https { Scheme::Https } else { Scheme::Http },
            headers,
        }),
        KindRow::Command(words) => CheckKind::Command(words),
        KindRow::Listening { port } => CheckKind::Listening { port },
        KindRow::Uptime(uptime) => CheckKind::Uptime(uptime),
    };
    HealthCheck {
        name: row.name,
        moment: if row.liveness {
            CheckMoment::Liveness
        } else {
            CheckMoment::Startup
        },
        kind,
        initial_delay: row.initial_delay,
        attempts: row.attempts,
        timeout: row.timeout,
        wait: row.wait,
        weight: if row.warn_only {
            CheckWeight::WarnOnly
        } else {
            CheckWeight::Required
        },
    }
}
