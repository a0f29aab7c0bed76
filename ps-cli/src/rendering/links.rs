//! The links of an app as a table, and as the document `psctl.links/1`. Invariant: pure.

use ps_core::names::AppName;
use ps_core::operations::ListedLink;
use serde::Serialize;
use serde_json::Value;

use super::columns::columns;

/// The titles of the columns, then one line a link.
pub fn table(links: &[ListedLink]) -> Vec<String> {
    let titles = ["alias", "container", "state", "connected"].map(str::to_owned);
    let rows = links.iter().map(|listed| {
        let connected = if listed.is_connected { "yes" } else { "no" };
        [
            listed.link.alias.clone(),
            listed.link.container.clone(),
            state(listed).unwrap_or_else(|| "missing".to_owned()),
            connected.to_owned(),
        ]
    });
    columns(&std::iter::once(titles).chain(rows).collect::<Vec<_>>())
}

fn state(listed: &ListedLink) -> Option<String> {
    listed.state.as_ref().map(ToString::to_string)
}

/// `psctl.links/1`
#[derive(Debug, Serialize)]
pub struct LinksView<'a> {
    schema: &'static str,
    app: &'a str,
    links: Vec<LinkView<'a>>,
}

#[derive(Debug, Serialize)]
struct LinkView<'a> {
    alias: &'a str,
    container: &'a str,
    state: Option<String>,
    connected: bool,
}

impl<'a> LinksView<'a> {
    /// The links of an app.
    pub fn new(app: &'a AppName, links: &'a [ListedLink]) -> Self {
        let links = links.iter().map(|listed| LinkView {
            alias: &listed.link.alias,
            container: &listed.link.container,
            state: state(listed),
            connected: listed.is_connected,
        });
        Self {
            schema: "psctl.links/1",
            app: app.as_str(),
            links: links.collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        // Text, truth values and lists only: they always serialise.
        serde_json::to_value(self).unwrap_or_default()
    }
}
