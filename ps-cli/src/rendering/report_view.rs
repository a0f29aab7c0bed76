//! The JSON of `ps:report`: `psctl.report/1`, and Dokku's own shape.

use std::collections::BTreeMap;

use ps_core::report::{AppReport, PropertyReport, ReplicaReport, Running};
use serde::Serialize;
use serde_json::Value;

use super::moment::rfc3339;
use super::report::Row;

#[derive(Debug, Serialize)]
struct ReportView<'a> {
    schema: &'static str,
    apps: Vec<AppView<'a>>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of the document")]
struct AppView<'a> {
    name: &'a str,
    deployed: bool,
    release: Option<u32>,
    processes: usize,
    can_scale: bool,
    running: &'static str,
    restore: bool,
    stopped_by_operator: bool,
    quarantine: Option<QuarantineView<'a>>,
    retiring: usize,
    formation: BTreeMap<&'a str, u16>,
    properties: BTreeMap<&'static str, PropertyView<'a>>,
    replicas: Vec<ReplicaView<'a>>,
}

#[derive(Debug, Serialize)]
struct QuarantineView<'a> {
    cause: &'a str,
    since: String,
}

#[derive(Debug, Serialize)]
struct PropertyView<'a> {
    app: Option<&'a str>,
    global: Option<&'a str>,
    computed: &'a str,
}

#[derive(Debug, Serialize)]
struct ReplicaView<'a> {
    name: String,
    process_type: String,
    index: u16,
    wanted: bool,
    state: Option<String>,
    container: Option<&'a str>,
    release: Option<u32>,
    generation: Option<u64>,
    /// The host's view: where to connect to.
    address: Option<String>,
    port: Option<u16>,
    difference: Option<&'a str>,
}

/// One document for any number of apps.
pub fn document(reports: &[AppReport]) -> Value {
    let view = ReportView {
        schema: "psctl.report/1",
        apps: reports.iter().map(app_view).collect(),
    };
    serde_json::to_value(view).unwrap_or_default()
}

fn app_view(report: &AppReport) -> AppView<'_> {
    AppView {
        name: report.app.as_str(),
        deployed: report.is_deployed,
        release: report.release.map(|release| release.0),
        processes: report.processes,
        can_scale: report.can_scale,
        running: running_text(report.running),
        restore: report.restore,
        stopped_by_operator: report.is_stopped_by_operator,
        quarantine: report.quarantine.as_ref().map(|known| QuarantineView {
            cause: &known.cause,
            since: rfc3339(known.since),
        }),
        retiring: report.retiring,
        formation: report
            .formation
            .iter()
            .map(|(process_type, quantity)| (process_type.as_str(), quantity))
            .collect(),
        properties: report
            .properties
            .iter()
            .map(|(property, values)| (property.name(), property_view(values)))
            .collect(),
        replicas: report
            .replicas
            .iter()
            .map(|(replica, report)| replica_view(replica, report))
            .collect(),
    }
}

fn property_view(values: &PropertyReport) -> PropertyView<'_> {
    PropertyView {
        app: values.app.as_deref(),
        global: values.global.as_deref(),
        computed: &values.computed,
    }
}

fn replica_view<'a>(replica: &ps_core::names::Replica, report: &'a ReplicaReport) -> ReplicaView<'a> {
    use ps_core::addresses::Endpoint;
    ReplicaView {
        name: replica.to_string(),
        process_type: replica.process_type().to_string(),
        index: replica.index(),
        wanted: report.is_wanted,
        state: report.state.as_ref().map(ToString::to_string),
        container: report.container.as_ref().map(|id| id.0.as_str()),
        release: report.release.map(|release| release.0),
        generation: report.generation.map(|generation| generation.0),
        address: report.endpoint.map(|endpoint| match endpoint {
            Endpoint::Address(address) => address.to_string(),
            Endpoint::LoopbackPort(_) => "127.0.0.1".to_owned(),
        }),
        port: report.port,
        difference: report.difference.as_deref(),
    }
}

/// `true`, `false` or `mixed`.
pub(super) fn running_text(running: Running) -> &'static str {
    match running {
        Running::All => "true",
        Running::Some => "mixed",
        Running::None => "false",
    }
}

/// Dokku's shape: one object, every value text, each `ps-x` under its short name too.
pub fn dokku(rows: &[Row]) -> Value {
    let mut object = serde_json::Map::new();
    // Dokku knows no quarantine.
    for row in rows.iter().filter(|row| row.flag != "--quarantine") {
        let name = row.flag.trim_start_matches("--");
        object.insert(name.to_owned(), Value::String(row.value.clone()));
        if let Some(short) = name.strip_prefix("ps-") {
            object.insert(short.to_owned(), Value::String(row.value.clone()));
        }
    }
    Value::Object(object)
}

/// What is set for all apps, in the typed document's place.
pub fn global(rows: &[Row]) -> Value {
    let values: BTreeMap<&str, &str> = rows
        .iter()
        .map(|row| (row.flag.trim_start_matches("--ps-"), row.value.as_str()))
        .collect();
    serde_json::json!({"schema": "psctl.report-global/1", "properties": values})
}
