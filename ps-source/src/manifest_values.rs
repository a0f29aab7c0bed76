//! Values of app.json, CHECKS and `DOKKU_SCALE` as the core knows them. Invariant: what the core has no word for is left out, and
//! the parsers' warnings say so; nothing else changes.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};

use ps_appjson as format;
use ps_core::checks::{CheckKind, CheckMoment, CheckWeight, HealthCheck, PathCheck, Scheme};
use ps_core::manifest::{EnvRequest, EnvRequests, EnvValue, FormationEntry, Manifest, Scripts};
use ps_core::names::{NameError, ProcessType};

/// What app.json says, but for its environment.
pub(crate) fn manifest_of(app: &format::AppJson) -> Result<Manifest, NameError> {
    Ok(Manifest {
        formation: by_type(&app.formation, formation_entry)?,
        scale_file: None,
        scripts: scripts(&app.scripts),
        checks: by_type(&app.health_checks, |checks| checks_of(checks))?
            .into_iter()
            .filter(|(_, checks)| !checks.is_empty())
            .collect(),
    })
}

/// The variables that app.json asks for.
pub(crate) fn env_of(app: &format::AppJson) -> EnvRequests {
    let request = |(name, variable): (&String, &format::EnvDeclaration)| {
        let request = EnvRequest {
            description: variable.description.clone(),
            value: match &variable.default {
                format::EnvDefault::Nothing => EnvValue::FromUser,
                format::EnvDefault::Value(value) => EnvValue::Given(value.clone()),
                format::EnvDefault::Secret => EnvValue::Secret,
            },
            is_required: variable.required,
            is_synced: variable.sync,
        };
        (name.clone(), request)
    };
    app.env.iter().map(request).collect()
}

/// The quantities of a `DOKKU_SCALE` file.
pub(crate) fn quantities_of(file: &format::ScaleFile) -> Result<BTreeMap<ProcessType, u16>, NameError> {
    by_type(&file.quantities, |count| quantity(*count))
}

/// The checks that are run, in their order; those for Kubernetes alone are not.
pub(crate) fn checks_of(checks: &[format::HealthCheck]) -> Vec<HealthCheck> {
    checks.iter().filter_map(health_check).collect()
}

fn by_type<T, V>(table: &BTreeMap<String, T>, value: impl Fn(&T) -> V) -> Result<BTreeMap<ProcessType, V>, NameError> {
    let entries = table.iter().map(|(name, said)| Ok((name.parse()?, value(said))));
    entries.collect()
}

fn formation_entry(process: &format::ProcessFormation) -> FormationEntry {
    let bound = |bound: NonZeroU32| NonZeroU16::try_from(bound).unwrap_or(NonZeroU16::MAX);
    FormationEntry {
        quantity: process.quantity.map(quantity),
        max_parallel: process.max_parallel.map(bound),
    }
}

/// The formats allow far less than the type holds.
fn quantity(count: u32) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn scripts(scripts: &format::Scripts) -> Scripts {
    Scripts {
        predeploy: scripts.predeploy.clone(),
        postdeploy: scripts.postdeploy.clone(),
        first_deploy: scripts.first_deploy.clone(),
    }
}

fn health_check(check: &format::HealthCheck) -> Option<HealthCheck> {
    Some(HealthCheck {
        name: Some(check.name.clone()),
        moment: match check.purpose {
            format::CheckPurpose::Startup => CheckMoment::Startup,
            format::CheckPurpose::Liveness => CheckMoment::Liveness,
            format::CheckPurpose::Readiness => return None,
        },
        kind: check_kind(&check.kind),
        initial_delay: check.initial_delay,
        attempts: check.attempts,
        timeout: check.timeout,
        wait: check.wait,
        weight: if check.warn {
            CheckWeight::WarnOnly
        } else {
            CheckWeight::Required
        },
    })
}

fn check_kind(kind: &format::CheckKind) -> CheckKind {
    match kind {
        format::CheckKind::Path(check) => CheckKind::Path(path_check(check)),
        format::CheckKind::Command(words) => CheckKind::Command(words.clone()),
        format::CheckKind::Listening { port } => CheckKind::Listening { port: *port },
        format::CheckKind::Uptime(uptime) => CheckKind::Uptime(*uptime),
    }
}

fn path_check(check: &format::PathCheck) -> PathCheck {
    let headers = check.headers.iter();
    PathCheck {
        path: check.path.clone(),
        content: check.content.clone(),
        port: check.port,
        scheme: match check.scheme {
            format::Scheme::Http => Scheme::Http,
            format::Scheme::Https => Scheme::Https,
        },
        headers: headers
            .map(|header| (header.name.clone(), header.value.clone()))
            .collect(),
    }
}
