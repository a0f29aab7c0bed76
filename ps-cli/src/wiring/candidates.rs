//! Where an engine may listen, in the documented order.
//!
//! Invariant: pure but for reading the Docker client's own files; nothing is asked whether it answers. An address that the
//! user named (flag, variable, context) is marked as such.

use std::fmt;
use std::path::{Path, PathBuf};

use ps_core::runtime::{EngineAddress, EngineAddressError};
use serde::Deserialize;

use crate::environment::Environment;

/// Who named an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `--host`.
    Flag,
    /// An environment variable.
    Variable(&'static str),
    /// The current context of the Docker client.
    DockerContext(String),
    /// It is a usual place.
    UsualPlace,
    /// psctl started the engine's service itself.
    OwnService,
}

impl Origin {
    /// Whether the user chose it, so that another engine must not silently take its place.
    pub fn is_explicit(&self) -> bool {
        matches!(self, Self::Flag | Self::Variable(_) | Self::DockerContext(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--host"),
            Self::Variable(name) => f.write_str(name),
            Self::DockerContext(name) => write!(f, "Docker context {name}"),
            Self::UsualPlace => f.write_str("usual place"),
            Self::OwnService => f.write_str("started by psctl"),
        }
    }
}

/// An address to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where.
    pub address: EngineAddress,
    /// Who named it.
    pub origin: Origin,
}

/// All addresses to try, each once. `--host` stands alone. An address that psctl cannot use is an error when the user named it.
pub fn candidates(
    flag: Option<&EngineAddress>,
    environment: &Environment,
) -> Result<Vec<Candidate>, EngineAddressError> {
    if let Some(address) = flag {
        return Ok(vec![Candidate {
            address: address.clone(),
            origin: Origin::Flag,
        }]);
    }
    let variable = |name: &'static str| {
        environment
            .text(name)
            .map(|word| (Origin::Variable(name), word.to_owned()))
    };
    let context = if environment.text("DOCKER_HOST").is_none() {
        docker_context(environment)
    } else {
        None
    };
    let named = [variable("DOCKER_HOST"), context, variable("CONTAINER_HOST")];
    let mut found: Vec<Candidate> = Vec::new();
    for (origin, word) in named.into_iter().flatten() {
        let address = word.parse()?;
        found.push(Candidate { address, origin });
    }
    found.extend(usual_places(environment).into_iter().map(|path| Candidate {
        address: EngineAddress::Unix(path),
        origin: Origin::UsualPlace,
    }));
    let mut result: Vec<Candidate> = Vec::new();
    for candidate in found {
        if result.iter().all(|other| other.address != candidate.address) {
            result.push(candidate);
        }
    }
    Ok(result)
}

fn usual_places(environment: &Environment) -> Vec<PathBuf> {
    let user = PathBuf::from(format!("/run/user/{}", environment.user_id));
    let runtime_dir = environment.path("XDG_RUNTIME_DIR").unwrap_or_else(|| user.clone());
    vec![
        runtime_dir.join("podman/podman.sock"),
        user.join("docker.sock"),
        PathBuf::from("/var/run/docker.sock"),
        PathBuf::from("/run/podman/podman.sock"),
    ]
}

#[derive(Deserialize)]
struct ClientConfig {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Endpoints")]
    endpoints: ContextEndpoints,
}

#[derive(Deserialize)]
struct ContextEndpoints {
    docker: Option<ContextEndpoint>,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host")]
    host: String,
}

/// The address of the Docker client's current context; `None` for the default one, or when the files cannot be read.
fn docker_context(environment: &Environment) -> Option<(Origin, String)> {
    let home = environment.path("HOME").map(|home| home.join(".docker"));
    let directory = environment.path("DOCKER_CONFIG").or(home)?;
    let configured = || read_json::<ClientConfig>(&directory.join("config.json")).map(|config| config.current_context);
    let chosen = environment
        .text("DOCKER_CONTEXT")
        .map(str::to_owned)
        .or_else(configured)?;
    if chosen.is_empty() || chosen == "default" {
        return None;
    }
    let entries = std::fs::read_dir(directory.join("contexts/meta")).ok()?;
    let metas = entries
        .flatten()
        .filter_map(|entry| read_json::<ContextMeta>(&entry.path().join("meta.json")));
    let meta = metas.into_iter().find(|meta| meta.name == chosen)?;
    Some((Origin::DockerContext(chosen), meta.endpoints.docker?.host))
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.into()));
        Environment {
            variables: variables.collect(),
            user_id: 7,
            directory: "/".into(),
        }
    }

    fn addresses(environment: &Environment) -> Vec<String> {
        let found = candidates(None, environment).unwrap();
        found.iter().map(|candidate| candidate.address.to_string()).collect()
    }

    #[test]
    fn the_order_is_the_documented_one() {
        let environment = environment(&[
            ("CONTAINER_HOST", "unix:///c"),
            ("DOCKER_HOST", "tcp://d:1"),
            ("XDG_RUNTIME_DIR", "/x"),
        ]);
        let expected = [
            "tcp://d:1",
            "unix:///c",
            "unix:///x/podman/podman.sock",
            "unix:///run/user/7/docker.sock",
            "unix:///var/run/docker.sock",
            "unix:///run/podman/podman.sock",
        ];
        assert_eq!(addresses(&environment), expected);
        let flag = "unix:///f".parse().unwrap();
        assert_eq!(candidates(Some(&flag), &environment).unwrap().len(), 1);
    }

    #[test]
    fn a_place_is_tried_once() {
        let addresses = addresses(&environment(&[("DOCKER_HOST", "unix:///var/run/docker.sock")]));
        assert_eq!(
            addresses
                .iter()
                .filter(|address| *address == "unix:///var/run/docker.sock")
                .count(),
            1
        );
    }

    #[test]
    fn a_named_address_that_cannot_be_used_is_an_error() {
        let error = candidates(None, &environment(&[("DOCKER_HOST", "ssh://host")])).unwrap_err();
        assert!(error.to_string().contains("ssh://host"));
    }

    #[test]
    fn the_current_docker_context_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let meta = directory.path().join("contexts/meta/abc");
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(directory.path().join("config.json"), r#"{"currentContext":"far"}"#).unwrap();
        let text = r#"{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://far:2375"}}}"#;
        std::fs::write(meta.join("meta.json"), text).unwrap();
        let config = directory.path().to_str().unwrap();
        let first = candidates(None, &environment(&[("DOCKER_CONFIG", config)]))
            .unwrap()
            .remove(0);
        assert_eq!(first.address.to_string(), "tcp://far:2375");
        assert_eq!(first.origin, Origin::DockerContext("far".into()));
        let default = environment(&[("DOCKER_CONFIG", config), ("DOCKER_CONTEXT", "default")]);
        assert_eq!(
            addresses(&default).first().unwrap(),
            "unix:///run/user/7/podman/podman.sock"
        );
    }
}
