//! The ports that the files of a generation listen on. Invariant: where files of apps still listen on a port of before, the catch-all
//! does too; without it nginx would give a host that nobody has to one of these apps.

use std::collections::BTreeSet;

use ps_core::proxy::ProxyError;

use crate::change::{Change, Texts};
use crate::directives::directives;
use crate::generation::Generations;

/// The port of a `listen` that names none.
const USUAL: u16 = 80;

impl Change {
    /// Other ports than the one set that what all sites share has to listen on, when these files change in a generation.
    pub(crate) fn ports_of_before(&self, base: Option<u64>, texts: &Texts) -> Result<BTreeSet<u16>, ProxyError> {
        let Some(base) = base else {
            return Ok(BTreeSet::new());
        };
        let generations = Generations::of(&self.places);
        let mut others = ports(&generations.base_text(base)?.unwrap_or_default());
        others.remove(&self.config.http_port);
        if others.is_empty() {
            return Ok(others);
        }
        let mut used: BTreeSet<u16> = texts.values().flatten().flat_map(|text| ports(text)).collect();
        for text in generations.site_texts_but(base, texts.keys())? {
            used.extend(ports(&text));
        }
        Ok(others.intersection(&used).copied().collect())
    }
}

fn ports(text: &str) -> BTreeSet<u16> {
    let listens = directives(text)
        .into_iter()
        .filter(|directive| directive.name == "listen");
    let places = listens.filter_map(|listen| listen.arguments.into_iter().next());
    places.filter_map(|place| port(&place)).collect()
}

fn port(place: &str) -> Option<u16> {
    if place.starts_with("unix:") {
        return None;
    }
    let last = match place.rsplit_once(':') {
        // The colons of an IPv6 address without a port stand between brackets.
        Some((_, last)) if !last.ends_with(']') => last,
        Some(_) => return Some(USUAL),
        None => place,
    };
    Some(last.parse().unwrap_or(USUAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_port_is_found() {
        let text = "server {\n listen 8080 default_server;\n listen [::]:8081;\n listen 127.0.0.1:8082 http2;\n}\n\
            server { listen unix:/run/x.sock; # listen 9;\n listen localhost:8083; server_name listen; }\n";
        assert_eq!(ports(text), [8080, 8081, 8082, 8083].into());
        for place in ["127.0.0.1", "[::1]", "*"] {
            assert_eq!(port(place), Some(80), "{place}");
        }
    }
}
