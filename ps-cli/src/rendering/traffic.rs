//! `domains:report` and `proxy:report`: rows, and the documents `psctl.domains/1` and `psctl.proxy/1`.
//!
//! Invariant: pure.

use std::collections::BTreeMap;

use ps_core::app::GlobalRecord;
use ps_core::domains::Domain;
use ps_core::operations::AppTraffic;
use ps_core::policies::{Property, PropertyGroup};
use ps_core::proxy::{ProxyPresence, ProxyState};
use ps_core::report::{PropertyReport, property_reports};
use serde::Serialize;
use serde_json::Value;

use super::json_view::document;
use super::report::Row;

fn listed(domains: &[Domain]) -> String {
    domains.iter().map(Domain::as_str).collect::<Vec<_>>().join(" ")
}

fn presence_word(presence: ProxyPresence) -> &'static str {
    match presence {
        ProxyPresence::Absent => "absent",
        ProxyPresence::Down => "down",
        ProxyPresence::Ready => "ready",
    }
}

/// The type in force: that of the proxy when one serves the app.
fn type_word(app: &AppTraffic, state: &ProxyState) -> String {
    if app.is_served { state.kind } else { "none" }.to_owned()
}

/// The rows of `domains:report` for one app.
pub fn domain_rows(app: &AppTraffic, global: &GlobalRecord) -> Vec<Row> {
    let record = &app.record;
    vec![
        Row::new("--domains-app-enabled", (!record.domains.is_empty()).to_string()),
        Row::new("--domains-app-vhosts", listed(&record.domains)),
        Row::new("--domains-computed-vhosts", listed(&app.domains)),
        Row::new("--domains-global-enabled", (!global.domains.is_empty()).to_string()),
        Row::new("--domains-global-vhosts", listed(&global.domains)),
    ]
}

/// The rows of `domains:report --global`; `host` is the name of this host.
pub fn global_domain_rows(global: &GlobalRecord, host: &str) -> Vec<Row> {
    let computed = match global.domains.as_slice() {
        [] => host.to_owned(),
        domains => listed(domains),
    };
    vec![
        Row::new("--domains-computed-global-vhosts", computed),
        Row::new("--domains-global-enabled", (!global.domains.is_empty()).to_string()),
        Row::new("--domains-global-vhosts", listed(&global.domains)),
    ]
}

/// The rows of `proxy:report` for one app.
pub fn proxy_rows(app: &AppTraffic, state: &ProxyState, global: &GlobalRecord) -> Vec<Row> {
    let file = app.file.as_ref().map(|file| file.display().to_string());
    let mut rows = vec![
        Row::new("--proxy-domains", listed(&app.domains)),
        Row::new("--proxy-enabled", app.is_served.to_string()),
        Row::new("--proxy-file", file.unwrap_or_default()),
    ];
    for (property, values) in property_reports(PropertyGroup::Proxy, &app.record, global) {
        let (name, is_choice) = (row_name(property), property == Property::Proxy);
        if !property.is_for_apps() {
            continue;
        }
        let computed = if is_choice {
            type_word(app, state)
        } else {
            values.computed
        };
        rows.push(Row::new(format!("--proxy-{name}"), values.app.unwrap_or_default()));
        rows.push(Row::new(format!("--proxy-computed-{name}"), computed));
        if property.is_global() {
            rows.push(Row::new(
                format!("--proxy-global-{name}"),
                values.global.unwrap_or_default(),
            ));
        }
    }
    rows
}

/// The rows of `proxy:report --global`.
pub fn proxy_state_rows(state: &ProxyState, global: &GlobalRecord) -> Vec<Row> {
    let path = |path: &std::path::Path| path.display().to_string();
    let mut rows = vec![
        Row::new("--proxy-configuration", path(&state.configuration)),
        Row::new("--proxy-directory", path(&state.directory)),
        Row::new(
            "--proxy-includes-directory",
            state.includes_directory.map(|is| is.to_string()).unwrap_or_default(),
        ),
        Row::new("--proxy-kind", state.kind),
        Row::new("--proxy-own", state.is_own.to_string()),
        Row::new("--proxy-port", state.http_port.to_string()),
        Row::new(
            "--proxy-program",
            state.program.as_deref().map(path).unwrap_or_default(),
        ),
        Row::new("--proxy-state", presence_word(state.presence)),
        Row::new("--proxy-version", state.version.clone().unwrap_or_default()),
    ];
    for property in PropertyGroup::Proxy
        .properties()
        .filter(|property| property.is_global())
    {
        let value = global.properties.get(&property).cloned().unwrap_or_default();
        rows.push(Row::new(format!("--proxy-global-{}", row_name(property)), value));
    }
    rows
}

/// Dokku calls the choice of a proxy its type; the others have their own names, without a second `proxy`.
fn row_name(property: Property) -> &'static str {
    match property {
        Property::Proxy => "type",
        property => property.name().strip_prefix("proxy-").unwrap_or(property.name()),
    }
}

/// `psctl.domains/1`
#[derive(Debug, Serialize)]
pub struct DomainsView<'a> {
    schema: &'static str,
    global: Vec<&'a str>,
    apps: Vec<AppDomainsView<'a>>,
}

#[derive(Debug, Serialize)]
struct AppDomainsView<'a> {
    name: &'a str,
    own: Vec<&'a str>,
    computed: Vec<&'a str>,
}

impl<'a> DomainsView<'a> {
    /// The domains of apps, in the order they are given.
    pub fn new(apps: &'a [AppTraffic], global: &'a GlobalRecord) -> Self {
        let names = |domains: &'a [Domain]| domains.iter().map(Domain::as_str).collect::<Vec<_>>();
        let apps = apps.iter().map(|app| AppDomainsView {
            name: app.record.name.as_str(),
            own: names(&app.record.domains),
            computed: names(&app.domains),
        });
        Self {
            schema: "psctl.domains/1",
            global: names(&global.domains),
            apps: apps.collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        document(self)
    }
}

/// `psctl.proxy/1`
#[derive(Debug, Serialize)]
pub struct ProxyView<'a> {
    schema: &'static str,
    proxy: StateView,
    apps: Vec<AppProxyView<'a>>,
}

#[derive(Debug, Serialize)]
struct StateView {
    kind: &'static str,
    state: &'static str,
    program: Option<String>,
    version: Option<String>,
    configuration: String,
    directory: String,
    includes_directory: Option<bool>,
    http_port: u16,
    own: bool,
}

#[derive(Debug, Serialize)]
struct AppProxyView<'a> {
    name: &'a str,
    served: bool,
    file: Option<String>,
    domains: Vec<&'a str>,
    published_port: Option<u16>,
    properties: BTreeMap<&'static str, PropertyView>,
}

#[derive(Debug, Serialize)]
struct PropertyView {
    app: Option<String>,
    global: Option<String>,
    computed: String,
}

impl From<PropertyReport> for PropertyView {
    fn from(report: PropertyReport) -> Self {
        Self {
            app: report.app,
            global: report.global,
            computed: report.computed,
        }
    }
}

impl<'a> ProxyView<'a> {
    /// The proxy, and what it does for apps, in the order they are given.
    pub fn new(apps: &'a [AppTraffic], state: &ProxyState, global: &GlobalRecord) -> Self {
        let apps = apps.iter().map(|app| {
            let properties = property_reports(PropertyGroup::Proxy, &app.record, global).into_iter();
            let properties = properties.filter(|(property, _)| property.is_for_apps());
            AppProxyView {
                name: app.record.name.as_str(),
                served: app.is_served,
                file: app.file.as_ref().map(|file| file.display().to_string()),
                domains: app.domains.iter().map(Domain::as_str).collect(),
                published_port: app.record.published_port,
                properties: properties
                    .map(|(property, values)| (property.name(), values.into()))
                    .collect(),
            }
        });
        Self {
            schema: "psctl.proxy/1",
            proxy: StateView {
                kind: state.kind,
                state: presence_word(state.presence),
                program: state.program.as_ref().map(|program| program.display().to_string()),
                version: state.version.clone(),
                configuration: state.configuration.display().to_string(),
                directory: state.directory.display().to_string(),
                includes_directory: state.includes_directory,
                http_port: state.http_port,
                own: state.is_own,
            },
            apps: apps.collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        document(self)
    }
}
