//! The settings for which units are compared with golden files, and verified by systemd.

use ps_cli::units::{EngineService, Suffix, UnitScope, UnitSettings};

/// Each case with the name of its golden file.
pub(crate) fn cases() -> [(&'static str, UnitSettings); 6] {
    let docker = EngineService::Daemon("docker.service");
    let podman = EngineService::Socket("podman.socket");
    let odd = UnitSettings {
        program: "/opt/100% ours; $x/psctl".into(),
        state_directory: "/srv/a \"$HOME\" \\ 'b'%c".into(),
        suffix: Suffix::of("/srv/a".as_ref(), None),
        engine_options: ["--host", "unix:///srv/a b/100%.sock"].map(str::to_owned).into(),
        ..settings(UnitScope::User, EngineService::Elsewhere)
    };
    let remote = UnitSettings {
        engine_options: ["--host", "tcp://engine.example:2375"].map(str::to_owned).into(),
        ..settings(UnitScope::System, EngineService::Elsewhere)
    };
    [
        ("docker", settings(UnitScope::System, docker)),
        ("docker-rootless", settings(UnitScope::User, docker)),
        ("podman", settings(UnitScope::System, podman)),
        ("podman-rootless", settings(UnitScope::User, podman)),
        ("remote", remote),
        ("odd-paths", odd),
    ]
}

fn settings(scope: UnitScope, engine: EngineService) -> UnitSettings {
    let is_user = scope == UnitScope::User;
    let state = if is_user {
        "/home/ann/.local/state/psctl"
    } else {
        "/var/lib/psctl"
    };
    UnitSettings {
        scope,
        engine,
        program: "/usr/local/bin/psctl".into(),
        state_directory: state.into(),
        suffix: Suffix::default(),
        engine_options: Vec::new(),
        nginx: is_user.then(|| "/usr/sbin/nginx".into()),
    }
}
