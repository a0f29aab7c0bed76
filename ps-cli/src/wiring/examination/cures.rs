//! The commands that mend things on this host, as a shell takes them.
//!
//! Invariant: pure but for a look at the engine's settings file and for programs; a file with settings keeps them.

use std::path::{Path, PathBuf};

use ps_core::diagnosis::{Commands, Facts, quoted};
use ps_core::runtime::EngineIdentity;

use crate::arguments::RuntimeChoice;
use crate::environment::Environment;
use crate::units::{Suffix, UnitRole};
use crate::wiring::adapters::{EngineKind, find_program};
use crate::wiring::{Session, usual_state_directory};

/// The oldest version that the test programs have seen; see `docs/engines.md`.
pub(super) fn oldest_tested(kind: &str) -> Option<String> {
    let oldest = match EngineKind::of_name(kind)? {
        EngineKind::Docker => "20.10",
        EngineKind::Podman => "4.3",
    };
    Some(oldest.to_owned())
}

/// Works them all out.
pub(super) fn fill(session: &Session, facts: &mut Facts) {
    let environment = session.environment();
    let has_systemd = session.systemd().is_running();
    let sudo = if environment.is_root() { "" } else { "sudo " };
    let psctl = psctl(session);
    let user_flag = if environment.is_root() { "" } else { " --user" };
    let found = facts.engine.found.as_ref();
    let identity = found.map(|found| &found.identity).or(facts.engine.bound.as_ref());
    let listener = state_suffix(session).map(|suffix| UnitRole::Listener.file_name(&suffix));
    let manager = if environment.is_root() {
        "systemctl"
    } else {
        "systemctl --user"
    };
    facts.commands = Commands {
        // A rootless engine's units belong to its user.
        init: (!environment.is_root() || !identity.is_some_and(|engine| engine.rootless))
            .then(|| format!("{psctl} init{user_flag}")),
        psctl,
        client: found.and_then(|found| client(&found.identity, &found.address, &found.reason, environment)),
        start_engine: start_engine(identity, environment, has_systemd),
        allow_engine: Some(format!("{sudo}usermod -aG docker {}", quoted(&session.user_name()))),
        keep_containers: identity.and_then(|engine| keep_containers(engine, environment, has_systemd)),
        start_proxy: Some(if has_systemd {
            format!("{sudo}systemctl start nginx")
        } else {
            format!("{sudo}nginx")
        }),
        start_listener: listener.map(|unit| format!("{manager} restart {unit}")),
        become_root: sudo.to_owned(),
    };
}

/// The options that were typed are needed again; variables are still set.
fn psctl(session: &Session) -> String {
    let options = session.options();
    let mut words = vec!["psctl".to_owned()];
    if let Some(directory) = &options.state_dir {
        words.push(format!("--state-dir {}", quoted(&directory.display().to_string())));
    }
    match options.runtime {
        RuntimeChoice::Auto => {}
        RuntimeChoice::Docker => words.push("--runtime docker".to_owned()),
        RuntimeChoice::Podman => words.push("--runtime podman".to_owned()),
    }
    if let Some(host) = &options.host {
        words.push(format!("--host {}", quoted(&host.to_string())));
    }
    words.join(" ")
}

fn state_suffix(session: &Session) -> Option<Suffix> {
    let directory = session.state_directory().ok()?;
    let usual = usual_state_directory(session.environment()).ok();
    Some(Suffix::of(&directory, usual.as_deref()))
}

/// The engine's own client, told where it listens unless it finds that by itself.
fn client(engine: &EngineIdentity, address: &str, reason: &str, environment: &Environment) -> Option<String> {
    let kind = EngineKind::of_name(&engine.kind)?;
    let finds = match kind {
        EngineKind::Docker => {
            address == "unix:///var/run/docker.sock" && environment.text("DOCKER_HOST").is_none()
                || reason == "DOCKER_HOST"
                || reason.starts_with("Docker context")
        }
        // Without an address it needs no service.
        EngineKind::Podman => match address.strip_prefix("unix://") {
            Some("/run/podman/podman.sock") => environment.is_root(),
            Some(path) => engine.rootless && path == format!("/run/user/{}/podman/podman.sock", environment.user_id),
            None => false,
        },
    };
    let option = match (kind, finds) {
        (_, true) => String::new(),
        (EngineKind::Docker, false) => format!(" --host {}", quoted(address)),
        (EngineKind::Podman, false) => format!(" --url {}", quoted(address)),
    };
    Some(format!("{}{option}", kind.name()))
}

fn start_engine(engine: Option<&EngineIdentity>, environment: &Environment, has_systemd: bool) -> Option<String> {
    let has = |name: &str| find_program(environment, name).is_some();
    let usual = if has("dockerd") || !has("podman") {
        EngineKind::Docker
    } else {
        EngineKind::Podman
    };
    let kind = match engine {
        Some(engine) => EngineKind::of_name(&engine.kind)?,
        None => usual,
    };
    let is_users = engine.map_or(kind == EngineKind::Podman && !environment.is_root(), |engine| {
        engine.rootless
    });
    let sudo = if environment.is_root() { "" } else { "sudo " };
    Some(match (kind, is_users, has_systemd) {
        (EngineKind::Docker, true, _) => "systemctl --user start docker".to_owned(),
        (EngineKind::Docker, false, true) => format!("{sudo}systemctl start docker"),
        (EngineKind::Docker, false, false) => format!("{sudo}service docker start"),
        (EngineKind::Podman, true, _) => "systemctl --user enable --now podman.socket".to_owned(),
        (EngineKind::Podman, false, true) => format!("{sudo}systemctl enable --now podman.socket"),
        (EngineKind::Podman, false, false) => {
            format!("{sudo}podman system service --time 0 unix:///run/podman/podman.sock")
        }
    })
}

/// Turns `live-restore` on, and lets the running daemon read that.
fn keep_containers(engine: &EngineIdentity, environment: &Environment, has_systemd: bool) -> Option<String> {
    if EngineKind::of_name(&engine.kind) != Some(EngineKind::Docker) {
        return None;
    }
    let (file, sudo, reload) = if engine.rootless {
        let config = environment.path("HOME")?.join(".config/docker/daemon.json");
        (config, "", "systemctl --user reload docker".to_owned())
    } else {
        let sudo = if environment.is_root() { "" } else { "sudo " };
        let reload = if has_systemd {
            format!("{sudo}systemctl reload docker")
        } else {
            format!("{sudo}kill -HUP $(cat /var/run/docker.pid)")
        };
        (PathBuf::from("/etc/docker/daemon.json"), sudo, reload)
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(_) => return None,
    };
    Some(format!("{} && {reload}", edit_settings(&file, text.as_deref(), sudo)?))
}

/// The command that sets `live-restore` in the daemon's settings; `None` for a file that is no JSON object.
fn edit_settings(file: &Path, text: Option<&str>, sudo: &str) -> Option<String> {
    let settings: serde_json::Map<String, serde_json::Value> = match text {
        Some(text) => serde_json::from_str(text).ok()?,
        None => serde_json::Map::new(),
    };
    let path = quoted(&file.display().to_string());
    Some(if settings.contains_key("live-restore") {
        format!(r#"{sudo}sed -i 's/"live-restore" *: *false/"live-restore": true/' {path}"#)
    } else if settings.is_empty() {
        let folder = file
            .parent()
            .map(|folder| quoted(&folder.display().to_string()))
            .unwrap_or_default();
        format!(r#"{sudo}mkdir -p {folder} && echo '{{"live-restore": true}}' | {sudo}tee {path}"#)
    } else {
        format!(r#"{sudo}sed -i '0,/{{/s//{{ "live-restore": true,/' {path}"#)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_file_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/daemon.json");
        let cases = [
            (None, serde_json::json!({"live-restore": true})),
            (Some("{}"), serde_json::json!({"live-restore": true})),
            (
                Some("{\n  \"debug\": true,\n  \"live-restore\": false\n}"),
                serde_json::json!({"debug": true, "live-restore": true}),
            ),
            (
                Some("{\n  \"log-opts\": {\"max-size\": \"1m\"}\n}"),
                serde_json::json!({"log-opts": {"max-size": "1m"}, "live-restore": true}),
            ),
        ];
        for (before, expected) in cases {
            if let Some(before) = before {
                std::fs::write(&file, before).unwrap();
            }
            let command = edit_settings(&file, before, "").unwrap();
            let ran = std::process::Command::new("sh")
                .args(["-c", &command])
                .output()
                .unwrap();
            assert!(ran.status.success(), "{command}: {ran:?}");
            let after: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            assert_eq!(after, expected, "{command}");
        }
        assert_eq!(edit_settings(&file, Some("debug"), ""), None);
    }

    #[test]
    fn the_client_is_told_an_address_it_would_not_find() {
        let engine = |kind: &str, rootless: bool| EngineIdentity {
            kind: kind.to_owned(),
            id: "x".to_owned(),
            rootless,
            version: "1".to_owned(),
        };
        let root = Environment::default();
        let of = |engine: &EngineIdentity, address: &str, reason: &str| client(engine, address, reason, &root).unwrap();
        let (docker, podman) = (engine("docker", false), engine("podman", false));
        assert_eq!(of(&docker, "unix:///var/run/docker.sock", "usual place"), "docker");
        assert_eq!(of(&docker, "unix:///x", "--host"), "docker --host unix:///x");
        assert_eq!(of(&docker, "tcp://far:2375", "DOCKER_HOST"), "docker");
        assert_eq!(of(&podman, "unix:///run/podman/podman.sock", "usual place"), "podman");
        assert_eq!(of(&podman, "unix:///x", "--host"), "podman --url unix:///x");
    }

    #[test]
    fn the_engine_of_the_state_is_the_one_to_start() {
        let root = Environment::default();
        let engine = EngineIdentity {
            kind: "podman".to_owned(),
            id: "x".to_owned(),
            rootless: true,
            version: "1".to_owned(),
        };
        let user = start_engine(Some(&engine), &root, true).unwrap();
        assert_eq!(user, "systemctl --user enable --now podman.socket");
        assert_eq!(start_engine(None, &root, true).unwrap(), "systemctl start docker");
        assert_eq!(start_engine(None, &root, false).unwrap(), "service docker start");
    }
}
