//! Bodies that are sent, and answers as Podman 4.3.1 and 5.x write them.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ps_core::policies::Ulimit;
use ps_core::runtime::{Document, PublishedPort};

use super::*;

/// Recorded from Podman 4.3.1, shortened to the fields that are read and those whose form has changed.
const INSPECT_4: &str = r#"{"Id":"d449","Name":"shop.web.1","Image":"cac9ffa51253","RestartCount":2,
    "State":{"Status":"exited","Running":false,"Pid":0,"ExitCode":3,"StartedAt":"2026-11-22T15:12:24.560933118Z",
    "FinishedAt":"2026-11-22T15:12:25Z","Health":{"Status":"","FailingStreak":0,"Log":null}},
    "Config":{"Env":["PATH=/bin","A=x=y"],"Labels":{"k":"v"},"Entrypoint":"/bin/sh -c","StopSignal":15},
    "HostConfig":{"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":4}},
    "NetworkSettings":{"Networks":{"podman":{"IPAddress":"10.88.0.2"},"other":{"IPAddress":""}}}}"#;

fn inspected(json: &str) -> ContainerDetail {
    detail(serde_json::from_str(json).unwrap(), json.as_bytes()).unwrap()
}

#[test]
fn an_inspect_answer_of_podman_4_is_read() {
    let seen = inspected(INSPECT_4);
    assert_eq!(
        (seen.name.as_str(), seen.image.0.as_str()),
        ("shop.web.1", "sha256:cac9ffa51253")
    );
    assert_eq!(
        (seen.state, seen.pid, seen.exit_code),
        (ContainerState::Exited, None, Some(3))
    );
    assert_eq!(
        (seen.restart_count, seen.restart_policy),
        (2, RestartPolicy::on_failure(4))
    );
    assert_eq!(
        seen.env.iter().map(|e| e.value.as_str()).collect::<Vec<_>>(),
        ["/bin", "x=y"]
    );
    assert_eq!(
        seen.addresses.into_iter().collect::<Vec<_>>(),
        [("podman".to_owned(), Ipv4Addr::new(10, 88, 0, 2))]
    );
    let signal = seen.document.get("Config").and_then(|config| config.get("StopSignal"));
    assert_eq!(signal, Some(&Document::Number("15".to_owned())));
}

#[test]
fn an_inspect_answer_of_podman_5_is_read() {
    let json = INSPECT_4
        .replace(r#""Entrypoint":"/bin/sh -c""#, r#""Entrypoint":["/bin/sh","-c"]"#)
        .replace(r#""StopSignal":15"#, r#""StopSignal":"SIGTERM""#);
    assert_eq!(inspected(&json).exit_code, Some(3));
}

#[test]
fn missing_and_null_fields_are_read_as_nothing() {
    for json in [
        r#"{"Id":"a"}"#,
        r#"{"Id":"a","State":null,"Config":{"Env":null,"Labels":null},"HostConfig":null,"NetworkSettings":{"Networks":null}}"#,
    ] {
        let seen = inspected(json);
        assert_eq!(
            (seen.restart_policy, seen.exit_code, seen.started_at),
            (RestartPolicy::No, None, None)
        );
    }
}

#[test]
fn an_unknown_state_does_not_fail_a_list() {
    let rows = r#"[{"Id":"a","Names":["x"],"State":"levitating","Labels":{"k":"v"}},
        {"Id":"b","Names":null,"State":"stopped","Labels":null},
        {"Id":"c","Names":["y"],"State":"stopping","Labels":{"k":"w"}}]"#;
    let rows = |filter: &ContainerFilter| summaries(serde_json::from_str(rows).unwrap(), filter);
    let states: Vec<_> = rows(&ContainerFilter::default())
        .into_iter()
        .map(|row| row.state)
        .collect();
    let other = ContainerState::Other("levitating".to_owned());
    assert_eq!(states, [other, ContainerState::Exited, ContainerState::Stopping]);
    let exact = rows(&ContainerFilter::with_label("k", "v"));
    assert_eq!(exact.into_iter().map(|row| row.id.0).collect::<Vec<_>>(), ["a"]);
}

fn body(spec: &ContainerSpec, engine: CreateTraits<'_>) -> Value {
    serde_json::from_slice(&create_body(spec, engine).unwrap()).unwrap()
}

const PLAIN: CreateTraits<'_> = CreateTraits {
    init_path: None,
    limits_log_size: false,
};

#[test]
fn a_plain_spec_leaves_the_rest_to_the_engine() {
    let mut spec = ContainerSpec::new("a", "i");
    spec.log_max_bytes = Some(5);
    let expected = json!({"name": "a", "image": "i", "env": {}, "labels": {}, "stdin": false, "terminal": false,
        "restart_policy": "no", "portmappings": [], "r_limits": []});
    assert_eq!(body(&spec, PLAIN), expected);
}

#[test]
fn a_full_spec_is_written_in_libpods_words() {
    let spec = ContainerSpec {
        entrypoint: Some(vec![]),
        command: Some(vec!["x".to_owned()]),
        restart_policy: RestartPolicy::on_failure(4),
        stop_timeout: Some(Duration::from_millis(1001)),
        network: Some(NetworkAttachment {
            network: "n".to_owned(),
            address: Some(Ipv4Addr::new(10, 1, 2, 3)),
        }),
        published_ports: vec![PublishedPort {
            host_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            host_port: 8080,
            container_port: 80,
        }],
        init: true,
        ulimits: vec![Ulimit {
            name: "nofile".to_owned(),
            soft: 1,
            hard: 2,
        }],
        log_max_bytes: Some(5),
        terminal: TerminalMode::Terminal,
        ..ContainerSpec::new("a", "i")
    };
    let engine = CreateTraits {
        init_path: Some("/init"),
        limits_log_size: true,
    };
    let expected = json!({"name": "a", "image": "i", "env": {}, "labels": {}, "stdin": true, "terminal": true,
        "entrypoint": [], "command": ["x"], "restart_policy": "on-failure", "restart_tries": 4, "stop_timeout": 2,
        "netns": {"nsmode": "bridge"}, "Networks": {"n": {"static_ips": ["10.1.2.3"], "static_mac": "02:42:0a:01:02:03"}}, "init": true, "init_path": "/init",
        "portmappings": [{"container_port": 80, "host_ip": "127.0.0.1", "host_port": 8080, "protocol": "tcp"}],
        "r_limits": [{"type": "nofile", "soft": 1, "hard": 2}], "log_configuration": {"size": 5}});
    assert_eq!(body(&spec, engine), expected);
}

#[test]
fn an_images_name_is_cut_at_its_tag() {
    for (name, expected) in [
        ("psctl/shop:v2", ("psctl/shop", "v2")),
        ("host:5000/shop", ("host:5000/shop", "latest")),
        ("host:5000/shop:v1", ("host:5000/shop", "v1")),
    ] {
        assert_eq!(repository_and_tag(name), expected);
    }
    assert_eq!(image_id("sha256:a"), image_id("a"));
}

#[test]
fn a_port_of_every_address_names_none() {
    assert_eq!(host_ip(Ipv4Addr::UNSPECIFIED.into()), None);
    assert_eq!(host_ip(Ipv4Addr::LOCALHOST.into()).as_deref(), Some("127.0.0.1"));
}
