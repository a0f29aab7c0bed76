//! The few fields we read of libpod's answers. Every field may be missing or null, and a field whose form differs
//! between Podman 4 and 5 (`Entrypoint`, `StopSignal`) is not read at all, so that no version can make a list fail.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// `null` reads as the default, like a missing field.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A row of `GET /containers/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedContainer {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) names: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) image: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) state: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) labels: BTreeMap<String, String>,
}

/// `GET /containers/{name}/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedContainer {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) image: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) state: InspectedState,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) restart_count: u32,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) config: InspectedConfig,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) host_config: InspectedHostConfig,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) network_settings: InspectedNetworks,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedState {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) status: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) pid: u32,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) exit_code: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) started_at: String,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedConfig {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) env: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedHostConfig {
    /// `bridge` where it has interfaces of its own on the engine's networks, whichever these are.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) network_mode: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) restart_policy: InspectedRestartPolicy,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedRestartPolicy {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) maximum_retry_count: u32,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InspectedNetworks {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) networks: BTreeMap<String, InspectedEndpoint>,
}

#[derive(Debug, Deserialize, Default)]
pub(crate) struct InspectedEndpoint {
    #[serde(rename = "IPAddress", default, deserialize_with = "or_default")]
    pub(crate) ip_address: String,
    #[serde(rename = "Aliases", default, deserialize_with = "or_default")]
    pub(crate) aliases: Vec<String>,
}

/// `GET /info`.
#[derive(Debug, Clone, Deserialize, Serialize, Default)]
pub(crate) struct Info {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) host: InfoHost,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) store: InfoStore,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) version: InfoVersion,
}

#[derive(Debug, Clone, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InfoHost {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) security: InfoSecurity,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) service_is_remote: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) log_driver: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) event_logger: String,
}

#[derive(Debug, Clone, Deserialize, Serialize, Default)]
pub(crate) struct InfoSecurity {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) rootless: bool,
}

#[derive(Debug, Clone, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InfoStore {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) graph_root: String,
}

#[derive(Debug, Clone, Deserialize, Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InfoVersion {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) version: String,
}

/// An answer that is only an id.
#[derive(Debug, Deserialize)]
pub(crate) struct Made {
    #[serde(rename = "Id", alias = "id")]
    pub(crate) id: String,
}

/// `POST /images/load`.
#[derive(Debug, Deserialize)]
pub(crate) struct Loaded {
    #[serde(rename = "Names")]
    pub(crate) names: Vec<String>,
}

/// `GET /containers/{name}/top`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Processes {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) titles: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) processes: Vec<Vec<String>>,
}

/// One value of `GET /events`.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EngineEvent {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) r#type: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) action: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) actor: EventActor,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) health_status: String,
    #[serde(rename = "time", default, deserialize_with = "or_default")]
    pub(crate) seconds: u64,
    #[serde(rename = "timeNano", default, deserialize_with = "or_default")]
    pub(crate) nanoseconds: u64,
}

#[derive(Debug, Deserialize, Default)]
pub(crate) struct EventActor {
    #[serde(rename = "ID", default, deserialize_with = "or_default")]
    pub(crate) id: String,
    #[serde(rename = "Attributes", default, deserialize_with = "or_default")]
    pub(crate) attributes: BTreeMap<String, String>,
}

/// One value of a build's or a pull's progress.
#[derive(Debug, Deserialize, Default)]
pub(crate) struct Progress {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) stream: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) error: String,
}
