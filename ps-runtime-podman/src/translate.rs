//! Between the port's vocabulary and libpod's. Pure: no call is made here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use podman_api::models::{Namespace, PerNetworkOptions, PortMapping, PosixRlimit};
use podman_api::opts::{ContainerCreateOpts, ContainerCreateOptsBuilder, ContainerRestartPolicy};
use ps_core::policies::RestartPolicy;
use ps_core::runtime::{
    ContainerDetail, ContainerFilter, ContainerId, ContainerSpec, ContainerState, ContainerSummary, EnvVar, ImageId,
    NetworkAttachment, TerminalMode,
};
use serde_json::{Value, json};

use crate::answers::{InspectedContainer, ListedContainer};
use crate::classify_error::Failure;
use crate::document::read_document;
use crate::timestamps::parse_timestamp;

/// What a create needs to know of the engine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CreateTraits<'a> {
    /// The init program to name; the engine's own when `None`.
    pub(crate) init_path: Option<&'a str>,
    /// Whether the log driver takes a size.
    pub(crate) limits_log_size: bool,
}

/// The body of a create. Built by podman-api, except the log size: its `LogConfig` is Docker's, which libpod ignores.
pub(crate) fn create_body(spec: &ContainerSpec, engine: CreateTraits<'_>) -> Result<Vec<u8>, Failure> {
    let options = resources(process(ContainerCreateOpts::builder(), spec), spec);
    let options = match (spec.init, engine.init_path) {
        (true, Some(path)) => options.init(true).init_path(path),
        (true, None) => options.init(true),
        (false, _) => options,
    };
    let unwritable = |error: serde_json::Error| Failure::BadRequest(error.to_string());
    let body = options.build().serialize_vec().map_err(Failure::from)?;
    let mut body: BTreeMap<String, Value> = serde_json::from_slice(&body).map_err(unwritable)?;
    if let Some(bytes) = spec.log_max_bytes.filter(|_| engine.limits_log_size) {
        body.insert("log_configuration".to_owned(), json!({ "size": bytes }));
    }
    serde_json::to_vec(&body).map_err(unwritable)
}

fn process(options: ContainerCreateOptsBuilder, spec: &ContainerSpec) -> ContainerCreateOptsBuilder {
    let options = options
        .name(&spec.name)
        .image(&spec.image)
        .env(spec.env.iter().map(|variable| (&variable.name, &variable.value)))
        .labels(&spec.labels)
        .stdin(spec.terminal != TerminalMode::Detached)
        .terminal(spec.terminal == TerminalMode::Terminal);
    let options = match &spec.entrypoint {
        Some(entrypoint) => options.entrypoint(entrypoint),
        None => options,
    };
    match &spec.command {
        Some(command) => options.command(command),
        None => options,
    }
}

/// Every address is no address: Podman forwards what is sent to 0.0.0.0 itself otherwise, which nobody does.
fn host_ip(address: IpAddr) -> Option<String> {
    (!address.is_unspecified()).then(|| address.to_string())
}

fn resources(options: ContainerCreateOptsBuilder, spec: &ContainerSpec) -> ContainerCreateOptsBuilder {
    let options = restart(options, spec.restart_policy)
        .portmappings(spec.published_ports.iter().map(|port| PortMapping {
            container_port: Some(port.container_port),
            host_ip: host_ip(port.host_address),
            host_port: Some(port.host_port),
            protocol: Some("tcp".to_owned()),
            range: None,
        }))
        .r_limits(spec.ulimits.iter().map(|limit| PosixRlimit {
            type_: Some(limit.name.clone()),
            soft: Some(limit.soft),
            hard: Some(limit.hard),
        }));
    let options = match spec.stop_timeout {
        Some(timeout) => options.stop_timeout(whole_seconds(timeout)),
        None => options,
    };
    match &spec.network {
        // Rootless containers are not on a bridge by themselves.
        Some(attachment) => options
            .net_namespace(Namespace {
                nsmode: Some("bridge".to_owned()),
                value: None,
            })
            .networks([(&attachment.network, endpoint(attachment))]),
        None => options,
    }
}

fn restart(options: ContainerCreateOptsBuilder, policy: RestartPolicy) -> ContainerCreateOptsBuilder {
    let options = options.restart_policy(match policy {
        RestartPolicy::No => ContainerRestartPolicy::No,
        RestartPolicy::Always => ContainerRestartPolicy::Always,
        RestartPolicy::UnlessStopped => ContainerRestartPolicy::UnlessStopped,
        RestartPolicy::OnFailure { .. } => ContainerRestartPolicy::OnFailure,
    });
    match policy.max_retries() {
        Some(tries) => options.restart_tries(u64::from(tries)),
        None => options,
    }
}

fn endpoint(attachment: &NetworkAttachment) -> PerNetworkOptions {
    PerNetworkOptions {
        aliases: None,
        interface_name: None,
        static_ips: attachment.address.map(|address| vec![address.to_string()]),
        static_mac: attachment.address.map(hardware_address),
    }
}

/// One that belongs to the address, as Docker gives them. Podman takes another one at each start, and whoever sent something to the
/// container before goes on sending to the last one for up to half a minute.
fn hardware_address(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// Seconds as engines take them, rounded up.
pub(crate) fn whole_seconds(duration: std::time::Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// The value of a `filters` parameter: all these labels, and other filters.
pub(crate) fn filters(labels: &BTreeMap<String, String>, others: &[(&str, &[&str])]) -> String {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut filters: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    if !labels.is_empty() {
        filters.insert("label", labels);
    }
    for (name, values) in others {
        filters.insert(name, values.iter().map(|value| (*value).to_owned()).collect());
    }
    json!(filters).to_string()
}

/// The value of a list's `filters` parameter.
pub(crate) fn list_filters(filter: &ContainerFilter) -> String {
    let network: Vec<&str> = filter.network.as_deref().into_iter().collect();
    let others: &[(&str, &[&str])] = if network.is_empty() {
        &[]
    } else {
        &[("network", &network)]
    };
    filters(&filter.labels, others)
}

/// Rows that the filter really takes: newer engines read `*` in a label filter as a pattern.
pub(crate) fn summaries(rows: Vec<ListedContainer>, filter: &ContainerFilter) -> Vec<ContainerSummary> {
    let is_asked_for = |labels: &BTreeMap<String, String>| {
        filter
            .labels
            .iter()
            .all(|(name, value)| labels.get(name) == Some(value))
    };
    rows.into_iter()
        .filter(|row| is_asked_for(&row.labels))
        .map(|row| ContainerSummary {
            id: ContainerId(row.id),
            name: row.names.into_iter().next().unwrap_or_default(),
            image: row.image,
            state: ContainerState::from(row.state.as_str()),
            labels: row.labels,
        })
        .collect()
}

/// An inspect answer, with the whole of it as its document.
pub(crate) fn detail(container: InspectedContainer, json: &[u8]) -> Result<ContainerDetail, Failure> {
    let state = ContainerState::from(container.state.status.as_str());
    let started_at = parse_timestamp(&container.state.started_at);
    let has_ended = started_at.is_some() && !state.may_have_a_process();
    let policy = container.host_config.restart_policy;
    Ok(ContainerDetail {
        id: ContainerId(container.id),
        name: container.name.trim_start_matches('/').to_owned(),
        image: image_id(&container.image),
        pid: Some(container.state.pid).filter(|pid| *pid > 0 && state.may_have_a_process()),
        exit_code: Some(container.state.exit_code).filter(|_| has_ended),
        state,
        restart_count: container.restart_count,
        restart_policy: RestartPolicy::from_engine(&policy.name, policy.maximum_retry_count),
        started_at,
        labels: container.config.labels,
        env: container.config.env.iter().map(|entry| env_var(entry)).collect(),
        aliases: aliases(&container.network_settings.networks),
        addresses: addresses(container.network_settings.networks),
        joins_networks: container.host_config.network_mode == "bridge",
        document: read_document(json)?,
    })
}

fn addresses(networks: BTreeMap<String, crate::answers::InspectedEndpoint>) -> BTreeMap<String, Ipv4Addr> {
    networks
        .into_iter()
        .filter_map(|(network, endpoint)| Some((network, endpoint.ip_address.parse().ok()?)))
        .collect()
}

fn aliases(networks: &BTreeMap<String, crate::answers::InspectedEndpoint>) -> BTreeMap<String, BTreeSet<String>> {
    let names = |endpoint: &crate::answers::InspectedEndpoint| endpoint.aliases.iter().cloned().collect();
    networks
        .iter()
        .map(|(network, endpoint)| (network.clone(), names(endpoint)))
        .collect()
}

fn env_var(entry: &str) -> EnvVar {
    let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
    EnvVar {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// libpod leaves out the digest's name.
pub(crate) fn image_id(id: &str) -> ImageId {
    let id = id.strip_prefix("sha256:").unwrap_or(id);
    ImageId(format!("sha256:{id}"))
}

/// Repository and tag of an image's name; `latest` when it has none.
pub(crate) fn repository_and_tag(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    }
}

#[cfg(test)]
mod tests;
