//! What `--format json` prints: view types with a `schema`, so that the core's own types may change.
//!
//! Invariant: a schema's number grows with every change that could break a reader.

use ps_core::app::{AppRecord, CheckMode};
use serde::Serialize;
use serde_json::Value;

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
}

impl<'a> ChecksView<'a> {
    /// The check modes of apps.
    pub fn new(apps: &'a [AppRecord]) -> Self {
        let apps = apps.iter().map(|app| {
            let types = |mode| {
                let types = app.checks.iter().filter(move |(_, other)| **other == mode);
                types.map(|(process_type, _)| process_type.as_str()).collect()
            };
            AppChecksView {
                name: app.name.as_str(),
                disabled: types(CheckMode::Disabled),
                skipped: types(CheckMode::Skipped),
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

/// Text, numbers and lists only: they always serialise.
pub(super) fn document(view: &impl Serialize) -> Value {
    serde_json::to_value(view).unwrap_or_default()
}
