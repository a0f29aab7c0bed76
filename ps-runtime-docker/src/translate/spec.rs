//! A [`ContainerSpec`] as the body of the engine's create call.

use std::collections::HashMap;

use bollard::models;
use ps_core::policies::{RestartPolicy, Ulimit};
use ps_core::runtime::{ContainerSpec, NetworkAttachment, PublishedPort, TerminalMode};

use super::whole_seconds;

/// The body of a create call. `log_driver` is the engine's, where it takes a size limit.
pub(crate) fn create_body(spec: &ContainerSpec, log_driver: Option<&str>) -> models::ContainerCreateBody {
    let has_input = spec.terminal != TerminalMode::Detached;
    let has_terminal = spec.terminal == TerminalMode::Terminal;
    let exposed = spec.published_ports.iter().map(|port| port_key(*port));
    let exposed: Vec<String> = exposed.collect();
    models::ContainerCreateBody {
        image: Some(spec.image.clone()),
        // An empty list takes the image's entrypoint away; none keeps it.
        entrypoint: spec.entrypoint.clone(),
        cmd: spec.command.clone(),
        env: Some(
            spec.env
                .iter()
                .map(|var| format!("{}={}", var.name, var.value))
                .collect(),
        ),
        labels: Some(spec.labels.clone().into_iter().collect()),
        stop_timeout: spec.stop_timeout.map(|timeout| signed(whole_seconds(timeout))),
        exposed_ports: (!exposed.is_empty()).then_some(exposed),
        open_stdin: Some(has_input),
        stdin_once: Some(has_input),
        attach_stdin: Some(has_input),
        attach_stdout: Some(has_input),
        attach_stderr: Some(has_input),
        tty: Some(has_terminal),
        host_config: Some(host_config(spec, log_driver)),
        networking_config: spec.network.as_ref().map(networking_config),
        ..models::ContainerCreateBody::default()
    }
}

fn host_config(spec: &ContainerSpec, log_driver: Option<&str>) -> models::HostConfig {
    let log_config = spec
        .log_max_bytes
        .zip(log_driver)
        .map(|(bytes, driver)| models::HostConfigLogConfig {
            typ: Some(driver.to_owned()),
            config: Some(HashMap::from([("max-size".to_owned(), bytes.to_string())])),
        });
    models::HostConfig {
        restart_policy: Some(engine_restart_policy(spec.restart_policy)),
        network_mode: spec.network.as_ref().map(|network| network.network.clone()),
        port_bindings: (!spec.published_ports.is_empty()).then(|| port_bindings(&spec.published_ports)),
        init: Some(spec.init),
        ulimits: (!spec.ulimits.is_empty()).then(|| spec.ulimits.iter().map(ulimit).collect()),
        log_config,
        ..models::HostConfig::default()
    }
}

fn networking_config(network: &NetworkAttachment) -> models::NetworkingConfig {
    let ipam_config = network.address.map(|address| models::EndpointIpamConfig {
        ipv4_address: Some(address.to_string()),
        ..models::EndpointIpamConfig::default()
    });
    let endpoint = models::EndpointSettings {
        ipam_config,
        ..models::EndpointSettings::default()
    };
    models::NetworkingConfig {
        endpoints_config: Some(HashMap::from([(network.network.clone(), endpoint)])),
    }
}

fn port_key(port: PublishedPort) -> String {
    format!("{}/tcp", port.container_port)
}

fn port_bindings(ports: &[PublishedPort]) -> models::PortMap {
    let mut bindings = models::PortMap::new();
    for port in ports {
        let binding = models::PortBinding {
            host_ip: Some(port.host_address.to_string()),
            host_port: Some(port.host_port.to_string()),
        };
        bindings
            .entry(port_key(*port))
            .or_default()
            .get_or_insert_default()
            .push(binding);
    }
    bindings
}

fn ulimit(limit: &Ulimit) -> models::ResourcesUlimits {
    models::ResourcesUlimits {
        name: Some(limit.name.clone()),
        soft: Some(signed(limit.soft)),
        hard: Some(signed(limit.hard)),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The engine refuses a retry count with any other policy than `on-failure`; 0 means without limit.
pub(crate) fn engine_restart_policy(policy: RestartPolicy) -> models::RestartPolicy {
    use models::RestartPolicyNameEnum as Name;
    let name = match policy {
        RestartPolicy::No => Name::NO,
        RestartPolicy::Always => Name::ALWAYS,
        RestartPolicy::UnlessStopped => Name::UNLESS_STOPPED,
        RestartPolicy::OnFailure { .. } => Name::ON_FAILURE,
    };
    models::RestartPolicy {
        name: Some(name),
        maximum_retry_count: Some(i64::from(policy.max_retries().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use ps_core::runtime::EnvVar;
    use serde_json::{Value, json};

    use super::*;

    fn body(spec: &ContainerSpec, log_driver: Option<&str>) -> Value {
        serde_json::to_value(create_body(spec, log_driver)).unwrap()
    }

    #[test]
    fn a_bare_spec_leaves_everything_to_image_and_engine() {
        let body = body(&ContainerSpec::new("shop.web.1", "busybox"), Some("json-file"));
        assert_eq!(body["Image"], "busybox");
        for absent in ["Entrypoint", "Cmd", "StopTimeout", "ExposedPorts", "NetworkingConfig"] {
            assert_eq!(body.get(absent), None, "{absent}");
        }
        for absent in ["LogConfig", "Ulimits", "PortBindings", "NetworkMode"] {
            assert_eq!(body["HostConfig"].get(absent), None, "{absent}");
        }
        assert_eq!(
            body["HostConfig"]["RestartPolicy"],
            json!({"Name": "no", "MaximumRetryCount": 0})
        );
    }

    #[test]
    fn a_full_spec_is_carried_over_whole() {
        let spec = ContainerSpec {
            entrypoint: Some(vec![]),
            command: Some(vec!["web".into(), "-x".into()]),
            env: vec![EnvVar {
                name: "A".into(),
                value: "b=c".into(),
            }],
            labels: [("l".to_owned(), "v".to_owned())].into(),
            restart_policy: RestartPolicy::on_failure(10),
            stop_timeout: Some(Duration::from_millis(2500)),
            network: Some(NetworkAttachment {
                network: "n".into(),
                address: Some(Ipv4Addr::new(10, 1, 2, 3)),
            }),
            published_ports: [80, 81].map(|host_port| port(host_port, 5000)).into(),
            init: true,
            ulimits: vec![Ulimit {
                name: "nofile".into(),
                soft: 1,
                hard: u64::MAX,
            }],
            log_max_bytes: Some(10_485_760),
            terminal: TerminalMode::Input,
            ..ContainerSpec::new("shop.web.1", "busybox")
        };
        let body = body(&spec, Some("local"));
        assert_eq!(body["Entrypoint"], json!([]));
        assert_eq!(body["Cmd"], json!(["web", "-x"]));
        assert_eq!(body["Env"], json!(["A=b=c"]));
        assert_eq!(body["StopTimeout"], 3);
        assert_eq!(
            (&body["OpenStdin"], &body["StdinOnce"], &body["Tty"]),
            (&json!(true), &json!(true), &json!(false))
        );
        assert_eq!(body["ExposedPorts"], json!({"5000/tcp": {}}));
        let address = &body["NetworkingConfig"]["EndpointsConfig"]["n"]["IPAMConfig"]["IPv4Address"];
        assert_eq!(address, "10.1.2.3");
        let host = &body["HostConfig"];
        assert_eq!(
            host["PortBindings"]["5000/tcp"][1],
            json!({"HostIp": "127.0.0.1", "HostPort": "81"})
        );
        assert_eq!(
            host["RestartPolicy"],
            json!({"Name": "on-failure", "MaximumRetryCount": 10})
        );
        assert_eq!(
            host["LogConfig"],
            json!({"Type": "local", "Config": {"max-size": "10485760"}})
        );
        assert_eq!(
            host["Ulimits"],
            json!([{"Name": "nofile", "Soft": 1, "Hard": i64::MAX}])
        );
        assert_eq!((&host["Init"], &host["NetworkMode"]), (&json!(true), &json!("n")));
    }

    #[test]
    fn without_a_driver_that_takes_it_there_is_no_log_limit() {
        let spec = ContainerSpec {
            log_max_bytes: Some(1),
            ..ContainerSpec::new("a", "b")
        };
        assert_eq!(body(&spec, None)["HostConfig"].get("LogConfig"), None);
    }

    fn port(host_port: u16, container_port: u16) -> PublishedPort {
        PublishedPort {
            host_address: Ipv4Addr::LOCALHOST.into(),
            host_port,
            container_port,
        }
    }
}
