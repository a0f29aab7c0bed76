//! What `--format json` prints: view types with a `schema`, so that the core's own types may change.
//!
//! Invariant: a schema's number grows with every change that could break a reader.

use std::collections::BTreeMap;

use ps_core::app::{AppRecord, CheckMode, GlobalRecord};
use ps_core::names::AppName;
use ps_core::operations::{CheckOutcome, CheckReport};
use ps_core::policies::PropertyGroup;
use ps_core::report::{PropertyReport, property_reports};
use serde::Serialize;
use serde_json::Value;

use super::report::reason;

/// `psctl.scale/1`
#[derive(Debug, Serialize)]
pub struct ScaleView<'a> {
    schema: &'static str,
    app: &'a str,
    formation: Vec<QuantityView<'a>>,
}

#[derive(Debug, Serialize)]
struct QuantityView<'a> {
    process_type: &'a str,
    quantity: u16,
}

impl<'a> ScaleView<'a> {
    /// The formation of an app.
    pub fn new(app: &'a AppRecord) -> Self {
        let formation = app.formation.iter().map(|(process_type, quantity)| QuantityView {
            process_type: process_type.as_str(),
            quantity,
        });
        Self {
            schema: "psctl.scale/1",
            app: app.name.as_str(),
            formation: formation.collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        document(self)
    }
}

/// `psctl.apps/1`
#[derive(Debug, Serialize)]
pub struct AppsView<'a> {
    schema: &'static str,
    apps: Vec<AppView<'a>>,
}

#[derive(Debug, Serialize)]
struct AppView<'a> {
    name: &'a str,
    deployed: bool,
}

impl<'a> AppsView<'a> {
    /// All apps.
    pub fn new(apps: &'a [AppRecord]) -> Self {
        let apps = apps.iter().map(|app| AppView {
            name: app.name.as_str(),
            deployed: app.release.is_some(),
        });
        Self {
            schema: "psctl.apps/1",
            apps: apps.collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        document(self)
    }
}

/// `psctl.checks/1`
#[derive(Debug, Serialize)]
pub struct ChecksView<'a> {
    schema: &'static str,
    apps: Vec<AppChecksView<'a>>,
}

#[derive(Debug, Serialize)]
struct AppChecksView<'a> {
    name: &'a str,
    disabled: Vec<&'a str>,
    skipped: Vec<&'a str>,
    properties: BTreeMap<&'static str, PropertyView>,
}

#[derive(Debug, Serialize)]
struct PropertyView {
    app: Option<String>,
    global: Option<String>,
    computed: String,
}

impl<'a> ChecksView<'a> {
    /// The check modes and properties of apps.
    pub fn new(apps: &'a [AppRecord], global: &GlobalRecord) -> Self {
        let apps = apps.iter().map(|app| {
            let types = |mode| {
                let types = app.checks.iter().filter(move |(_, other)| **other == mode);
                types.map(|(process_type, _)| process_type.as_str()).collect()
            };
            AppChecksView {
                name: app.name.as_str(),
                disabled: types(CheckMode::Disabled),
                skipped: types(CheckMode::Skipped),
                properties: property_reports(PropertyGroup::Checks, app, global)
                    .into_iter()
                    .map(|(property, values)| (property.name(), property_view(values)))
                    .collect(),
            }
        });
        Self {
            schema: "psctl.checks/1",
            apps: apps.collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        document(self)
    }
}

fn property_view(values: PropertyReport) -> PropertyView {
    let PropertyReport { app, global, computed } = values;
    PropertyView { app, global, computed }
}

/// `psctl.checks-run/1`
#[derive(Debug, Serialize)]
pub struct ChecksRunView<'a> {
    schema: &'static str,
    app: &'a str,
    checks: Vec<CheckView<'a>>,
}

#[derive(Debug, Serialize)]
struct CheckView<'a> {
    replica: String,
    check: String,
    name: Option<&'a str>,
    outcome: &'static str,
    reason: Option<String>,
}

impl<'a> ChecksRunView<'a> {
    /// What the checks of an app brought.
    pub fn new(app: &'a AppName, reports: &'a [CheckReport]) -> Self {
        let checks = reports.iter().map(|report| CheckView {
            replica: report.replica.to_string(),
            check: report.check.to_string(),
            name: report.check.name.as_deref(),
            outcome: match report.outcome {
                CheckOutcome::Passed => "passed",
                CheckOutcome::Warned(_) => "warned",
                CheckOutcome::Failed(_) => "failed",
            },
            reason: reason(report),
        });
        Self {
            schema: "psctl.checks-run/1",
            app: app.as_str(),
            checks: checks.collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        document(self)
    }
}

/// Text, numbers and lists only: they always serialise.
pub(super) fn document(view: &impl Serialize) -> Value {
    serde_json::to_value(view).unwrap_or_default()
}
