//! The engine's answers as the port's summaries and details.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bollard::models::{self, SystemInfo};
use ps_core::policies::RestartPolicy;
use ps_core::runtime::{
    ContainerDetail, ContainerId, ContainerState, ContainerSummary, Document, EngineDetail, EnvVar, ImageDetail,
    ImageId, NetworkDetail,
};
use serde::Deserialize;

use super::document::{at, entries, items, number, text, text_map};
use crate::capabilities::found_identity;

/// A row of a list call. Only what is needed is read: a document of a thousand rows would take ten megabytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListedContainer {
    id: String,
    names: Option<Vec<String>>,
    image: Option<String>,
    state: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

/// The rows of a list call. A state that is not known here does not spoil the others.
pub(crate) fn container_list(json: &[u8]) -> Result<Vec<ContainerSummary>, serde_json::Error> {
    let rows: Vec<ListedContainer> = serde_json::from_slice(json)?;
    Ok(rows.into_iter().map(container_summary).collect())
}

fn container_summary(row: ListedContainer) -> ContainerSummary {
    // A linked container has more names, of the form `/other/alias`; its own has one slash.
    let names = row.names.unwrap_or_default();
    let mut names = names.iter().map(|name| name.trim_start_matches('/'));
    let name = names.find(|name| !name.contains('/')).unwrap_or_default();
    ContainerSummary {
        id: ContainerId(row.id),
        name: name.to_owned(),
        image: row.image.unwrap_or_default(),
        state: ContainerState::from(row.state.unwrap_or_default().as_str()),
        labels: row.labels.unwrap_or_default(),
    }
}

/// An inspect document.
pub(crate) fn container_detail(document: Document) -> ContainerDetail {
    let state = ContainerState::from(text(&document, &["State", "Status"]));
    let started_at = read_time(text(&document, &["State", "StartedAt"]));
    let policy = ["HostConfig", "RestartPolicy"];
    let has_ended = started_at.is_some() && !state.is_running() && state != ContainerState::Paused;
    let exit_code = number(&document, &["State", "ExitCode"]);
    ContainerDetail {
        id: ContainerId(text(&document, &["Id"]).to_owned()),
        name: text(&document, &["Name"]).trim_start_matches('/').to_owned(),
        image: ImageId(text(&document, &["Image"]).to_owned()),
        pid: number(&document, &["State", "Pid"]).filter(|pid| *pid > 0),
        exit_code: exit_code.filter(|_| has_ended),
        restart_count: number(&document, &["RestartCount"]).unwrap_or_default(),
        restart_policy: at(&document, &policy).map_or(RestartPolicy::No, restart_policy),
        started_at,
        labels: text_map(at(&document, &["Config", "Labels"])),
        env: items(at(&document, &["Config", "Env"]))
            .filter_map(Document::as_text)
            .map(env_var)
            .collect(),
        addresses: addresses(at(&document, &["NetworkSettings", "Networks"])),
        aliases: aliases(at(&document, &["NetworkSettings", "Networks"])),
        joins_networks: has_own_interfaces(text(&document, &["HostConfig", "NetworkMode"])),
        state,
        document,
    }
}

fn restart_policy(policy: &Document) -> RestartPolicy {
    let retries = number(policy, &["MaximumRetryCount"]).unwrap_or_default();
    RestartPolicy::from_engine(text(policy, &["Name"]), retries)
}

fn env_var(line: &str) -> EnvVar {
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    EnvVar {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// The address in use, or while the container does not run the one that it was given.
fn addresses(networks: Option<&Document>) -> BTreeMap<String, Ipv4Addr> {
    let address = |network: &Document| {
        let current = text(network, &["IPAddress"]).parse().ok();
        current.or_else(|| text(network, &["IPAMConfig", "IPv4Address"]).parse().ok())
    };
    entries(networks)
        .filter_map(|(name, network)| Some((name.to_owned(), address(network)?)))
        .collect()
}

fn aliases(networks: Option<&Document>) -> BTreeMap<String, BTreeSet<String>> {
    let names = |network: &Document| {
        let names = items(network.get("Aliases")).filter_map(Document::as_text);
        names.map(str::to_owned).collect()
    };
    entries(networks)
        .map(|(name, network)| (name.to_owned(), names(network)))
        .collect()
}

/// A container in the host's, in no or in another container's network cannot be connected to more.
fn has_own_interfaces(mode: &str) -> bool {
    !matches!(mode, "host" | "none") && !mode.starts_with("container:")
}

/// An RFC 3339 time in UTC; `None` for year 1, the engine's word for never.
/// What the engine tells of itself. Containers survive it when `live-restore` is on.
pub(crate) fn engine_detail(engine: SystemInfo) -> EngineDetail {
    EngineDetail {
        identity: found_identity(&engine, engine.server_version.clone().unwrap_or_default()),
        containers_outlive_it: engine.live_restore_enabled.unwrap_or(false),
        now: engine.system_time.as_deref().and_then(read_time),
        storage: engine
            .docker_root_dir
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
    }
}

fn read_time(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.splitn(3, ':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let nanos = format!("{fraction:0<9}").get(..9)?.parse::<u64>().ok()?;
    let seconds = (days_since_1970(year, month, day)? * 24 + hour) * 3600 + minute * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds) + Duration::from_nanos(nanos))
}

fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March end with the leap day.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

/// What an image says of itself.
pub(crate) fn image_detail(image: models::ImageInspect) -> ImageDetail {
    let config = image.config.unwrap_or_default();
    let ports = config.exposed_ports.unwrap_or_default();
    let tcp_port = |port: &String| port.strip_suffix("/tcp").unwrap_or(port).parse().ok();
    let mut exposed_ports: Vec<u16> = ports.iter().filter_map(tcp_port).collect();
    exposed_ports.sort_unstable();
    ImageDetail {
        id: image.id.map(ImageId),
        entrypoint: config.entrypoint.unwrap_or_default(),
        command: config.cmd.unwrap_or_default(),
        exposed_ports,
        working_dir: config.working_dir.unwrap_or_default(),
        user: config.user.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
    }
}

/// A network, with its first IPv4 subnet.
pub(crate) fn network_detail(network: models::NetworkInspect) -> NetworkDetail {
    let pools = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let subnet = |pool: &models::IpamConfig| pool.subnet.as_ref().and_then(|subnet| subnet.parse().ok());
    let pool = pools.iter().find(|pool| subnet(pool).is_some());
    NetworkDetail {
        name: network.name.unwrap_or_default(),
        subnet: pool.and_then(subnet),
        gateway: pool.and_then(|pool| pool.gateway.as_ref()?.split('/').next()?.parse().ok()),
        labels: network.labels.unwrap_or_default().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::parse_document;

    const INSPECT: &str = r#"{"Id":"7ce9","State":{"Status":"exited","Pid":0,"ExitCode":3,"Extra":[1],
        "StartedAt":"2026-11-22T15:12:34.048564364Z"},"Image":"sha256:79f8","Name":"/shop.web.1","RestartCount":2,
        "HostConfig":{"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":10}},
        "Config":{"Labels":{"a":"b"},"Env":["A=b=c","PATH"]},
        "NetworkSettings":{"Networks":{"n":{"IPAMConfig":{"IPv4Address":"10.1.2.3"},"IPAddress":""},"m":{"IPAddress":"10.9.0.2"},
        "o":{"IPAMConfig":null,"IPAddress":""}}}}"#;

    #[test]
    fn an_inspect_document_is_read_and_kept_whole() {
        let document = parse_document(INSPECT.as_bytes()).unwrap();
        let detail = container_detail(document.clone());
        assert_eq!(
            (detail.name.as_str(), detail.image.0.as_str()),
            ("shop.web.1", "sha256:79f8")
        );
        assert_eq!(
            (detail.state.clone(), detail.pid, detail.exit_code),
            (ContainerState::Exited, None, Some(3))
        );
        assert_eq!(
            (detail.restart_count, detail.restart_policy),
            (2, RestartPolicy::on_failure(10))
        );
        let env: Vec<(&str, &str)> = detail
            .env
            .iter()
            .map(|var| (var.name.as_str(), var.value.as_str()))
            .collect();
        assert_eq!(env, [("A", "b=c"), ("PATH", "")]);
        let addresses: Vec<String> = detail
            .addresses
            .iter()
            .map(|(name, ip)| format!("{name} {ip}"))
            .collect();
        assert_eq!(addresses, ["m 10.9.0.2", "n 10.1.2.3"]);
        assert_eq!(detail.document, document);
    }

    #[test]
    fn a_container_that_never_started_has_neither_exit_code_nor_start() {
        let json = INSPECT
            .replace("exited", "created")
            .replace("2026-11-22T15:12:34.048564364Z", "0001-01-01T00:00:00Z");
        let detail = container_detail(parse_document(json.as_bytes()).unwrap());
        assert_eq!((detail.exit_code, detail.started_at), (None, None));
    }

    #[test]
    fn an_unknown_state_does_not_spoil_the_list() {
        let json = br#"[{"Id":"1","Names":["/other/alias","/a"],"Image":"i","State":"unheard","Labels":null},
            {"Id":"2","Names":["/b"],"Image":"i","State":"running","Labels":{"x":"y"}}]"#;
        let list = container_list(json).unwrap();
        let found: Vec<(&str, &str)> = list.iter().map(|c| (c.id.0.as_str(), c.name.as_str())).collect();
        assert_eq!(found, [("1", "a"), ("2", "b")]);
        assert_eq!(list[0].state, ContainerState::Other("unheard".into()));
    }

    #[test]
    fn times_are_read_to_the_nanosecond() {
        let read = |text| read_time(text).and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        assert_eq!(read("1970-01-01T00:00:00Z"), Some(Duration::ZERO));
        assert_eq!(
            read("2024-02-29T12:00:00.5Z"),
            Some(Duration::from_millis(1_709_208_000_500))
        );
        assert_eq!(
            read("2026-11-22T15:12:34.048564364Z"),
            Some(Duration::new(1_795_360_354, 48_564_364))
        );
        for bad in [
            "",
            "0001-01-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22",
            "2026-11-22T15:12:34+01:00",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
