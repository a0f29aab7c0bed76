//! Which registry an image name belongs to, and under which keys registry files may know it. Invariant: the most specific key
//! comes first.

/// Docker Hub's key in Docker's own file and for credential helpers.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// A registry as registry files call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegistryName {
    /// What credential helpers and engines are told.
    pub(crate) server: String,
    /// Keys after [`normalized_key`], the most specific first.
    pub(crate) keys: Vec<String>,
}

impl RegistryName {
    /// The registry of an image; a name without a host belongs to Docker Hub.
    pub(crate) fn of_image(image: &str) -> Self {
        let untagged = image.split('@').next().unwrap_or(image);
        let repository = match untagged.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => repository,
            _ => untagged,
        };
        let is_host = |part: &str| {
            part.contains(['.', ':']) || part == "localhost" || part.bytes().any(|byte| byte.is_ascii_uppercase())
        };
        let (host, path) = match repository.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path.to_owned()),
            Some(_) => ("docker.io", repository.to_owned()),
            None => ("docker.io", format!("library/{repository}")),
        };
        let is_hub = host == "docker.io" || host == "index.docker.io";
        let host = if is_hub { "docker.io" } else { host };
        let mut keys = Vec::new();
        let mut namespace = path.as_str();
        loop {
            keys.push(format!("{host}/{namespace}"));
            match namespace.rsplit_once('/') {
                Some((parent, _)) => namespace = parent,
                None => break,
            }
        }
        keys.push(host.to_owned());
        if is_hub {
            keys.push("index.docker.io".to_owned());
        }
        Self {
            server: if is_hub { DOCKER_HUB_KEY } else { host }.to_owned(),
            keys,
        }
    }
}

/// A key of a registry file in one form: without scheme, and without the API version of old entries.
pub(crate) fn normalized_key(key: &str) -> &str {
    match key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")) {
        Some(address) => address.split('/').next().unwrap_or(address),
        None => key
            .trim_end_matches('/')
            .trim_end_matches("/v1")
            .trim_end_matches("/v2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_the_first_part_when_it_looks_like_a_host() {
        for (image, server, first_key) in [
            ("nginx", DOCKER_HUB_KEY, "docker.io/library/nginx"),
            ("acme/shop:v1", DOCKER_HUB_KEY, "docker.io/acme/shop"),
            ("docker.io/acme/shop", DOCKER_HUB_KEY, "docker.io/acme/shop"),
            (
                "registry.example/shop@sha256:00",
                "registry.example",
                "registry.example/shop",
            ),
            ("localhost/shop", "localhost", "localhost/shop"),
            ("localhost:5000/a/b:v1", "localhost:5000", "localhost:5000/a/b"),
            ("127.0.0.1:5000/b", "127.0.0.1:5000", "127.0.0.1:5000/b"),
        ] {
            let name = RegistryName::of_image(image);
            assert_eq!(
                (name.server.as_str(), name.keys[0].as_str()),
                (server, first_key),
                "{image}"
            );
        }
        let keys = RegistryName::of_image("registry.example/a/b:v1").keys;
        assert_eq!(keys, ["registry.example/a/b", "registry.example/a", "registry.example"]);
    }

    #[test]
    fn keys_of_all_ages_are_understood() {
        for (key, normalized) in [
            (DOCKER_HUB_KEY, "index.docker.io"),
            ("https://registry.example", "registry.example"),
            ("http://registry.example:5000/v2/", "registry.example:5000"),
            ("registry.example/v1/", "registry.example"),
            ("registry.example/team", "registry.example/team"),
            ("docker.io", "docker.io"),
        ] {
            assert_eq!(normalized_key(key), normalized, "{key}");
        }
    }
}
