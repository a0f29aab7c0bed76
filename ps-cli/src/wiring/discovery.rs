//! Which engine is used: the decision over what the addresses answered and what the state is bound to. Pure.
//!
//! Invariant: a state that is bound uses that engine and no other, and an address that the user named is never silently
//! replaced by another one.

use std::fmt::Write;

use ps_core::runtime::{EngineIdentity, RuntimeErrorKind};

use super::candidates::{Candidate, Origin};
use crate::arguments::RuntimeChoice;
use crate::command_error::{CommandError, CommandErrorKind, docker_permission_hint};

/// What a candidate turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// This engine answered.
    Engine(EngineIdentity),
    /// An engine of a kind (`docker`, `podman`) answered that is not wanted, and was not asked further.
    OtherKind(&'static str),
    /// There was no answer that helps.
    Failed {
        /// What kind of failure.
        kind: RuntimeErrorKind,
        /// Why, in one line.
        reason: String,
    },
}

/// What to do after a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// This is the engine.
    Use,
    /// Try the next address.
    Next,
    /// Try no other: see [`Discovery::failure`].
    Stop,
}

/// The state of a search.
#[derive(Debug)]
pub struct Discovery {
    bound: Option<EngineIdentity>,
    wanted: RuntimeChoice,
    tried: Vec<(Candidate, Finding)>,
}

impl Discovery {
    /// A search for the bound engine, or for the first one of the wanted kind.
    pub fn new(bound: Option<EngineIdentity>, wanted: RuntimeChoice) -> Self {
        Self {
            bound,
            wanted,
            tried: Vec::new(),
        }
    }

    /// Whether an engine of this kind is worth asking who it is.
    pub fn wants(&self, kind: &str) -> bool {
        self.wanted.accepts(kind) && self.bound.as_ref().is_none_or(|bound| bound.kind == kind)
    }

    /// Takes a finding.
    pub fn consider(&mut self, candidate: Candidate, finding: Finding) -> Verdict {
        let verdict = match &finding {
            Finding::Engine(engine) if self.is_wanted(engine) => Verdict::Use,
            _ if candidate.origin == Origin::Flag => Verdict::Stop,
            // A bound state looks for its engine everywhere; another one is never taken.
            Finding::Failed { .. } if self.bound.is_none() && candidate.origin.is_explicit() => Verdict::Stop,
            Finding::Engine(_) | Finding::OtherKind(_) | Finding::Failed { .. } => Verdict::Next,
        };
        self.tried.push((candidate, finding));
        verdict
    }

    /// Each address that was asked, who named it, and what it answered.
    pub fn tried(&self) -> Vec<String> {
        let tell_one = |(candidate, finding): &(Candidate, Finding)| {
            let answer = match finding {
                Finding::Engine(engine) if self.is_wanted(engine) => format!("{} {}", engine.kind, engine.version),
                finding => tell(finding),
            };
            format!("{} ({}): {answer}", candidate.address, candidate.origin)
        };
        self.tried.iter().map(tell_one).collect()
    }

    /// Whether a socket was there that may not be opened.
    pub fn is_denied(&self) -> bool {
        self.tried.iter().any(|(_, finding)| is_denied(finding))
    }

    fn is_wanted(&self, engine: &EngineIdentity) -> bool {
        self.bound.as_ref().is_none_or(|bound| bound.is_same_engine(engine))
    }

    /// Why no engine is used.
    pub fn failure(self) -> CommandError {
        let mut message = match (&self.bound, self.tried.last()) {
            (Some(bound), _) => format!(
                "the engine that this state belongs to was not found: {}",
                describe(bound)
            ),
            (None, Some((candidate, _))) if candidate.origin.is_explicit() => {
                format!("no {} answers at {}", self.wanted_name(), candidate.address)
            }
            (None, _) => format!("no {} was found", self.wanted_name()),
        };
        for (candidate, finding) in &self.tried {
            let _ = write!(
                message,
                "\n  {} ({}): {}",
                candidate.address,
                candidate.origin,
                tell(finding)
            );
        }
        let mut error = CommandError::new(CommandErrorKind::NoEngine, message);
        error.hints = self.hints();
        error
    }

    fn wanted_name(&self) -> &'static str {
        match self.wanted {
            RuntimeChoice::Auto => "container engine",
            RuntimeChoice::Docker => "Docker",
            RuntimeChoice::Podman => "Podman",
        }
    }

    fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.is_denied() {
            hints.push(docker_permission_hint());
        }
        match &self.bound {
            Some(bound) => {
                let sudo = if bound.rootless { "systemctl --user" } else { "systemctl" };
                let unit = if bound.kind == "podman" { "podman.socket" } else { "docker" };
                hints.push(format!("start it: `{sudo} start {unit}`, or say where it listens with --host"));
                hints.push("another engine needs a state directory of its own: --state-dir".to_owned());
            }
            None => hints.push(
                "start one: `systemctl start docker`, or `systemctl --user start podman.socket`; or name one with --host"
                    .to_owned(),
            ),
        }
        hints
    }
}

fn is_denied(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::Failed {
            kind: RuntimeErrorKind::PermissionDenied,
            ..
        }
    )
}

fn describe(engine: &EngineIdentity) -> String {
    let rootless = if engine.rootless { "rootless " } else { "" };
    format!("{rootless}{} {} ({})", engine.kind, engine.version, engine.id)
}

fn tell(finding: &Finding) -> String {
    match finding {
        Finding::Engine(engine) => format!("another engine: {}", describe(engine)),
        Finding::OtherKind(kind) => format!("{kind} answers"),
        Finding::Failed { reason, .. } => reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(kind: &str, id: &str) -> EngineIdentity {
        EngineIdentity {
            kind: kind.to_owned(),
            id: id.to_owned(),
            rootless: false,
            version: "1".to_owned(),
        }
    }

    fn candidate(origin: Origin) -> Candidate {
        Candidate {
            address: "unix:///a".parse().unwrap(),
            origin,
        }
    }

    fn unreachable() -> Finding {
        Finding::Failed {
            kind: RuntimeErrorKind::Unreachable,
            reason: "nobody listens".to_owned(),
        }
    }

    #[test]
    fn an_unbound_state_takes_the_first_that_answers() {
        let mut discovery = Discovery::new(None, RuntimeChoice::Auto);
        assert_eq!(
            discovery.consider(candidate(Origin::UsualPlace), unreachable()),
            Verdict::Next
        );
        let found = Finding::Engine(engine("podman", "/x"));
        assert_eq!(discovery.consider(candidate(Origin::UsualPlace), found), Verdict::Use);
    }

    #[test]
    fn a_named_address_is_not_replaced_by_another() {
        for origin in [
            Origin::Flag,
            Origin::Variable("DOCKER_HOST"),
            Origin::DockerContext("x".into()),
        ] {
            let mut discovery = Discovery::new(None, RuntimeChoice::Auto);
            assert_eq!(discovery.consider(candidate(origin), unreachable()), Verdict::Stop);
            let error = discovery.failure();
            assert_eq!(error.exit_status().code(), 7);
            assert!(
                error
                    .error
                    .to_string()
                    .starts_with("no container engine answers at unix:///a\n")
            );
        }
    }

    #[test]
    fn the_wrong_kind_is_passed_over_unless_it_is_the_host() {
        let mut discovery = Discovery::new(None, RuntimeChoice::Podman);
        assert!(!discovery.wants("docker"));
        let variable = candidate(Origin::Variable("DOCKER_HOST"));
        assert_eq!(
            discovery.consider(variable, Finding::OtherKind("docker")),
            Verdict::Next
        );
        assert_eq!(
            discovery.consider(candidate(Origin::Flag), Finding::OtherKind("docker")),
            Verdict::Stop
        );
        assert!(discovery.failure().error.to_string().contains("docker answers"));
    }

    #[test]
    fn a_bound_state_looks_for_its_own_engine_only() {
        let mut discovery = Discovery::new(Some(engine("docker", "A")), RuntimeChoice::Auto);
        assert!(discovery.wants("docker") && !discovery.wants("podman"));
        let variable = || candidate(Origin::Variable("DOCKER_HOST"));
        assert_eq!(discovery.consider(variable(), unreachable()), Verdict::Next);
        let other = Finding::Engine(engine("docker", "B"));
        assert_eq!(
            discovery.consider(candidate(Origin::UsualPlace), other.clone()),
            Verdict::Next
        );
        let newer = EngineIdentity {
            version: "2".to_owned(),
            ..engine("docker", "A")
        };
        assert_eq!(
            discovery.consider(candidate(Origin::UsualPlace), Finding::Engine(newer)),
            Verdict::Use
        );
        assert_eq!(discovery.consider(candidate(Origin::Flag), other), Verdict::Stop);
        let error = discovery.failure();
        assert_eq!(error.exit_status().code(), 7);
        assert!(error.error.to_string().contains("docker 1 (A)"), "{}", error.error);
    }

    #[test]
    fn a_forbidden_socket_is_explained() {
        let mut discovery = Discovery::new(None, RuntimeChoice::Auto);
        let denied = Finding::Failed {
            kind: RuntimeErrorKind::PermissionDenied,
            reason: "permission denied".to_owned(),
        };
        discovery.consider(candidate(Origin::UsualPlace), denied);
        assert!(
            discovery
                .failure()
                .hints
                .iter()
                .any(|hint| hint.contains("usermod -aG docker"))
        );
    }
}
