//! What the units are made from on this machine: whose they are, where they lie, and which engine they wait for.
//!
//! Invariant: nothing is started or bound. The decisions are pure: [`unit_scope`], [`unit_directory`] and what is below
//! [`unit_settings`].

use std::path::PathBuf;

use ps_core::runtime::{EngineAddress, EngineIdentity};

use super::adapters::{EngineKind, find_program};
use super::candidates::{Candidate, Origin, candidates};
use super::{Session, usual_state_directory};
use crate::arguments::RuntimeChoice;
use crate::command_error::{CommandError, CommandErrorKind};
use crate::environment::Environment;
use crate::units::{EngineService, Suffix, UnitScope, UnitSettings};

/// Whose units are meant: root's are the machine's, everybody else has to ask for their own.
pub fn unit_scope(is_user: bool, environment: &Environment) -> Result<UnitScope, CommandError> {
    match (is_user, environment.is_root()) {
        (false, true) => Ok(UnitScope::System),
        (true, false) => Ok(UnitScope::User),
        (false, false) => {
            let message = "only root can write the units of this machine";
            let error = CommandError::new(CommandErrorKind::Failed, message);
            Err(error
                .hint("`psctl init --user` writes units of your own, for an engine that runs as you")
                .hint("for an engine that runs as root: `sudo psctl init`"))
        }
        (true, true) => {
            let error = CommandError::usage("root's units are those of the machine");
            Err(error
                .hint("leave out --user; for a rootless engine run `psctl init --user` as the user whose engine it is"))
        }
    }
}

/// Where the units lie, and whether somebody chose that directory (`PSCTL_UNIT_DIR`), so that no service manager is asked.
pub fn unit_directory(scope: UnitScope, environment: &Environment) -> Result<(PathBuf, bool), CommandError> {
    let chosen = environment
        .variables
        .get("PSCTL_UNIT_DIR")
        .filter(|value| !value.is_empty());
    if let Some(chosen) = chosen {
        return Ok((environment.directory.join(chosen), true));
    }
    let home = || environment.path("HOME").map(|home| home.join(".config"));
    let directory = match scope {
        UnitScope::System => Some(PathBuf::from("/etc/systemd/system")),
        UnitScope::User => {
            let config = environment.path("XDG_CONFIG_HOME").or_else(home);
            config.map(|config| config.join("systemd/user"))
        }
    };
    let missing = || {
        CommandError::usage("there is no place for units: HOME is not set")
            .hint("set HOME, or name a directory with PSCTL_UNIT_DIR")
    };
    Ok((directory.ok_or_else(missing)?, false))
}

/// The settings for this state directory and the engine it is bound to, else the one that is found, else the one that is named.
pub async fn unit_settings(scope: UnitScope, session: &Session) -> Result<UnitSettings, CommandError> {
    let environment = session.environment();
    let state_directory = session.state_directory()?;
    let usual = usual_state_directory(environment).ok();
    let suffix = Suffix::of(&state_directory, usual.as_deref());
    let (engine, engine_options) = engine(scope, session).await?;
    let program = std::env::current_exe().map_err(|error| {
        let message = format!("could not find where psctl itself is: {error}");
        CommandError::new(CommandErrorKind::Failed, message)
    })?;
    let nginx = match scope {
        UnitScope::System => None,
        UnitScope::User => nginx_program(environment),
    };
    Ok(UnitSettings {
        scope,
        engine,
        program,
        state_directory,
        suffix,
        engine_options,
        nginx,
    })
}

/// The user's path often lacks the directories that nginx is installed in.
fn nginx_program(environment: &Environment) -> Option<PathBuf> {
    let usual = || Environment {
        variables: [("PATH".to_owned(), "/usr/local/sbin:/usr/sbin:/sbin".into())].into(),
        ..environment.clone()
    };
    find_program(environment, "nginx").or_else(|| find_program(&usual(), "nginx"))
}

async fn engine(scope: UnitScope, session: &Session) -> Result<(EngineService, Vec<String>), CommandError> {
    let (choice, environment) = (session.options().runtime, session.environment());
    let flag = session.options().host.as_ref();
    let (kind, rootless, address) = match session.running_engine().await {
        Ok((engine, candidate)) => {
            let address = address_to_name(&candidate, environment);
            (kind_of(&engine)?, engine.rootless, address)
        }
        Err(error) => {
            let bound = session.store_to_read().await?.bound_engine().await?;
            match (bound, choice) {
                (Some(bound), choice) if choice.accepts(&bound.kind) => {
                    (kind_of(&bound)?, bound.rootless, flag.cloned())
                }
                (None, RuntimeChoice::Docker) => (EngineKind::Docker, scope == UnitScope::User, named(session)?),
                (None, RuntimeChoice::Podman) => (EngineKind::Podman, scope == UnitScope::User, named(session)?),
                _ => return Err(error.hint("`--runtime docker` or `--runtime podman` says which it will be")),
            }
        }
    };
    let service = engine_service(kind, rootless, scope, address.as_ref())?;
    let runtime = (choice != RuntimeChoice::Auto).then(|| ["--runtime".to_owned(), kind.name().to_owned()]);
    let host = address.map(|address| ["--host".to_owned(), address.to_string()]);
    Ok((service, runtime.into_iter().chain(host).flatten().collect()))
}

fn kind_of(engine: &EngineIdentity) -> Result<EngineKind, CommandError> {
    let unknown = || {
        CommandError::new(
            CommandErrorKind::NoEngine,
            format!("psctl knows no units for {}", engine.kind),
        )
    };
    EngineKind::of_name(&engine.kind).ok_or_else(unknown)
}

/// The address that somebody named, of an engine that does not answer.
fn named(session: &Session) -> Result<Option<EngineAddress>, CommandError> {
    let candidates = candidates(session.options().host.as_ref(), session.environment())?;
    let named = candidates.into_iter().find(|candidate| candidate.origin.is_explicit());
    Ok(named.map(|candidate| candidate.address))
}

/// The address to put into units: a service has neither the user's variables nor the user's Docker context.
fn address_to_name(candidate: &Candidate, environment: &Environment) -> Option<EngineAddress> {
    let of_service = Environment {
        variables: std::collections::BTreeMap::new(),
        ..environment.clone()
    };
    let is_found = || {
        let usual = candidates(None, &of_service).unwrap_or_default();
        usual.iter().any(|place| place.address == candidate.address)
    };
    let is_named = match candidate.origin {
        Origin::OwnService => false,
        Origin::UsualPlace => !is_found(),
        Origin::Flag | Origin::Variable(_) | Origin::DockerContext(_) => true,
    };
    is_named.then(|| candidate.address.clone())
}

/// How this service manager knows the engine.
fn engine_service(
    kind: EngineKind,
    rootless: bool,
    scope: UnitScope,
    address: Option<&EngineAddress>,
) -> Result<EngineService, CommandError> {
    if address.is_some_and(is_remote) {
        return Ok(EngineService::Elsewhere);
    }
    match (scope, rootless) {
        (UnitScope::System, true) => {
            let message = format!(
                "this {} is rootless: it belongs to a user, and so do its units",
                kind.name()
            );
            let error = CommandError::new(CommandErrorKind::Failed, message);
            Err(error.hint("run `psctl init --user` as that user, with a state directory of that user"))
        }
        (UnitScope::User, false) => Ok(EngineService::Elsewhere),
        (UnitScope::System, false) | (UnitScope::User, true) => Ok(match kind {
            EngineKind::Docker => EngineService::Daemon("docker.service"),
            EngineKind::Podman => EngineService::Socket("podman.socket"),
        }),
    }
}

fn is_remote(address: &EngineAddress) -> bool {
    match address {
        EngineAddress::Unix(_) => false,
        EngineAddress::Tcp(host) => !["127.", "localhost:", "[::1]:"]
            .iter()
            .any(|here| host.starts_with(here)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "unix:///run/x.sock";

    fn service(kind: EngineKind, rootless: bool, scope: UnitScope, address: &str) -> Option<EngineService> {
        let address = address.parse().unwrap();
        engine_service(kind, rootless, scope, Some(&address)).ok()
    }

    #[test]
    fn an_engine_of_the_same_service_manager_is_waited_for_by_its_unit() {
        use EngineKind::{Docker, Podman};
        use UnitScope::{System, User};
        let docker = Some(EngineService::Daemon("docker.service"));
        let podman = Some(EngineService::Socket("podman.socket"));
        for (kind, expected) in [(Docker, docker), (Podman, podman)] {
            assert_eq!(service(kind, false, System, HERE), expected);
            assert_eq!(service(kind, true, User, HERE), expected);
            assert_eq!(service(kind, false, User, HERE), Some(EngineService::Elsewhere));
            assert_eq!(service(kind, true, System, HERE), None);
            for remote in ["tcp://engine.example:2375", "tcp://10.0.0.7:2375"] {
                assert_eq!(service(kind, false, System, remote), Some(EngineService::Elsewhere));
            }
            for local in ["tcp://127.0.0.1:2375", "tcp://localhost:2375"] {
                assert_eq!(service(kind, false, System, local), expected);
            }
        }
    }

    #[test]
    fn units_name_an_address_that_a_service_would_not_find() {
        let environment = Environment {
            variables: [("XDG_RUNTIME_DIR".to_owned(), "/elsewhere".into())].into(),
            user_id: 7,
            directory: "/".into(),
        };
        let named = |address: &str, origin: Origin| {
            let address = address.parse().unwrap();
            address_to_name(&Candidate { address, origin }, &environment).is_some()
        };
        assert!(!named("unix:///var/run/docker.sock", Origin::UsualPlace));
        assert!(!named("unix:///run/user/7/podman/podman.sock", Origin::UsualPlace));
        assert!(!named("unix:///elsewhere/psctl/podman.sock", Origin::OwnService));
        assert!(named("unix:///elsewhere/podman/podman.sock", Origin::UsualPlace));
        for origin in [
            Origin::Flag,
            Origin::Variable("DOCKER_HOST"),
            Origin::DockerContext("x".into()),
        ] {
            assert!(named("unix:///var/run/docker.sock", origin));
        }
    }
}
