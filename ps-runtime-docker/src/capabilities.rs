//! What the engine says of itself, as identity and capabilities. Nothing is asked here; it is all in one `/info` answer.

use bollard::models::SystemInfo;
use ps_core::runtime::{EngineAddress, EngineIdentity, RuntimeCapabilities};

/// Which engine this is.
pub(crate) fn found_identity(engine: &SystemInfo, version: String) -> EngineIdentity {
    let id = engine.id.clone().filter(|id| !id.is_empty());
    EngineIdentity {
        kind: "docker".to_owned(),
        id: id.or_else(|| engine.docker_root_dir.clone()).unwrap_or_default(),
        rootless: is_rootless(engine),
        version,
    }
}

/// What this engine can do, seen from this machine.
pub(crate) fn found_capabilities(engine: &SystemInfo, address: &EngineAddress) -> RuntimeCapabilities {
    let is_here = matches!(address, EngineAddress::Unix(_)) && shares_our_kernel(engine);
    let log_driver = engine.logging_driver.as_deref().unwrap_or_default();
    RuntimeCapabilities {
        updates_restart_policy: true,
        revives_stopped_containers: true,
        host_reaches_containers: is_here && !is_rootless(engine),
        host_sees_processes: is_here,
        replays_past_events: true,
        has_init: true,
        limits_log_size: matches!(log_driver, "json-file" | "local"),
    }
}

fn is_rootless(engine: &SystemInfo) -> bool {
    let options = engine.security_options.iter().flatten();
    options
        .flat_map(|option| option.split(','))
        .any(|word| word == "name=rootless")
}

/// A desktop product's engine listens on a local socket too, but runs in a virtual machine with another kernel.
fn shares_our_kernel(engine: &SystemInfo) -> bool {
    let ours = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    engine.kernel_version.as_deref() == Some(ours.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local_engine() -> SystemInfo {
        let ours = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        SystemInfo {
            id: Some("ZVV6:KMSL".into()),
            logging_driver: Some("json-file".into()),
            security_options: Some(vec!["name=seccomp,profile=default".into()]),
            kernel_version: Some(ours.trim().to_owned()),
            ..SystemInfo::default()
        }
    }

    #[test]
    fn a_rootless_engine_says_so_and_is_not_reached_by_the_host() {
        let socket = EngineAddress::Unix("/run/docker.sock".into());
        let mut engine = local_engine();
        assert!(found_capabilities(&engine, &socket).host_reaches_containers);
        assert!(!found_identity(&engine, String::new()).rootless);
        engine.security_options = Some(vec!["name=seccomp,profile=default".into(), "name=rootless".into()]);
        assert!(found_identity(&engine, String::new()).rootless);
        assert!(!found_capabilities(&engine, &socket).host_reaches_containers);
    }

    #[test]
    fn an_engine_elsewhere_shows_neither_addresses_nor_processes() {
        let remote = found_capabilities(&local_engine(), &EngineAddress::Tcp("host:2375".into()));
        assert!(!remote.host_reaches_containers && !remote.host_sees_processes);
        let engine = SystemInfo {
            kernel_version: Some("6.6.12-linuxkit".into()),
            ..local_engine()
        };
        let machine = found_capabilities(&engine, &EngineAddress::Unix("/run/docker.sock".into()));
        assert!(!machine.host_reaches_containers && !machine.host_sees_processes);
    }

    #[test]
    fn only_file_drivers_limit_the_log_size() {
        let address = EngineAddress::Unix("/run/docker.sock".into());
        for (driver, limits) in [("json-file", true), ("local", true), ("journald", false)] {
            let engine = SystemInfo {
                logging_driver: Some(driver.into()),
                ..local_engine()
            };
            assert_eq!(
                found_capabilities(&engine, &address).limits_log_size,
                limits,
                "{driver}"
            );
        }
    }
}
