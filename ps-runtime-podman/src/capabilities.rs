//! What an engine can do, from its `/info` and its address. Pure, but for the look for an init program.

use std::path::Path;

use ps_core::runtime::{EngineAddress, EngineIdentity, RuntimeCapabilities};

use crate::answers::Info;
use crate::classify_error::RUNTIME;

/// Where a static init program may be, Podman's own first. `/info` does not name it, and Podman refuses
/// `init: true` at create when its own is missing, so the one that is found is named in each create.
const INIT_PROGRAMS: [&str; 7] = [
    "/usr/libexec/podman/catatonit",
    "/usr/local/libexec/podman/catatonit",
    "/usr/lib/podman/catatonit",
    "/usr/local/lib/podman/catatonit",
    "/usr/bin/catatonit",
    "/usr/bin/tini-static",
    "/usr/bin/docker-init",
];

/// The first init program on this machine; `None` for an engine elsewhere, whose files cannot be seen.
pub(crate) fn find_init_program(address: &EngineAddress) -> Option<&'static str> {
    let is_local = matches!(address, EngineAddress::Unix(_));
    INIT_PROGRAMS
        .into_iter()
        .find(|path| is_local && Path::new(path).is_file())
}

/// The engine's identity: its storage root, since Podman has no id of its own.
pub(crate) fn identity(info: &Info) -> EngineIdentity {
    EngineIdentity {
        kind: RUNTIME.to_owned(),
        id: info.store.graph_root.clone(),
        rootless: info.host.security.rootless,
        version: info.version.version.clone(),
    }
}

/// The engine's capabilities.
pub(crate) fn capabilities(info: &Info, address: &EngineAddress, has_init: bool) -> RuntimeCapabilities {
    let is_local = matches!(address, EngineAddress::Unix(_)) && !info.host.service_is_remote;
    RuntimeCapabilities {
        updates_restart_policy: is_at_least(&info.version.version, (5, 1)),
        // `podman-restart.service` starts them at boot.
        revives_stopped_containers: true,
        host_reaches_containers: is_local && !info.host.security.rootless,
        host_sees_processes: is_local,
        replays_past_events: info.host.event_logger != "none",
        has_init,
        limits_log_size: matches!(info.host.log_driver.as_str(), "k8s-file" | "json-file"),
    }
}

/// Whether a version such as `5.1.0-rc1` is that or newer; `false` when it cannot be read.
fn is_at_least(version: &str, wanted: (u32, u32)) -> bool {
    let mut parts = version.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= wanted,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(json: &str) -> Info {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn versions_compare_by_number() {
        for (version, expected) in [
            ("4.3.1", false),
            ("5.0.3", false),
            ("5.1.0", true),
            ("5.10.0-dev", true),
            ("6.1", true),
            ("", false),
        ] {
            assert_eq!(is_at_least(version, (5, 1)), expected, "{version}");
        }
    }

    #[test]
    fn rootless_and_remote_engines_reach_less() {
        let rootless = info(
            r#"{"host":{"security":{"rootless":true},"logDriver":"k8s-file","eventLogger":"file"},
                "store":{"graphRoot":"/home/u/storage"},"version":{"Version":"4.3.1"}}"#,
        );
        let unix = EngineAddress::Unix("/run/podman.sock".into());
        let found = capabilities(&rootless, &unix, false);
        assert!(!found.host_reaches_containers && found.host_sees_processes && found.limits_log_size);
        assert_eq!(identity(&rootless).id, "/home/u/storage");
        let rootful = info(r#"{"host":{"security":{"rootless":false},"logDriver":"journald"}}"#);
        assert!(capabilities(&rootful, &unix, false).host_reaches_containers);
        let remote = capabilities(&rootful, &EngineAddress::Tcp("h:1".to_owned()), false);
        assert!(!remote.host_reaches_containers && !remote.host_sees_processes && !remote.limits_log_size);
    }
}
