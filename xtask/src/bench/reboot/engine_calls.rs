//! The engine's own calls, as somebody behind psctl's back would make them. Podman answers Docker's calls too.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::Value;

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::{Address, Answer, http_get, http_post};

const LIMIT: Duration = Duration::from_secs(60);
const JSON: &str = "application/json";

/// A container of the engine's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its full id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Whether it runs.
    pub(crate) is_running: bool,
    /// Its address in its first network, where it has one.
    pub(crate) address: Option<String>,
}

/// All containers, those that do not run too.
pub(crate) fn containers(engine: &Address) -> Outcome<Vec<Listed>> {
    let answer = good(http_get(engine, "/v1.40/containers/json?all=true", LIMIT)?)?;
    let value: Value = serde_json::from_slice(&answer.body).while_doing(|| "read the list of containers".to_owned())?;
    Ok(value.as_array().into_iter().flatten().filter_map(listed).collect())
}

fn listed(row: &Value) -> Option<Listed> {
    let networks = row.get("NetworkSettings").and_then(|settings| settings.get("Networks"));
    let network = networks
        .and_then(Value::as_object)
        .and_then(|networks| networks.values().next());
    let address = network.and_then(|network| network.get("IPAddress")?.as_str());
    Some(Listed {
        id: row.get("Id")?.as_str()?.to_owned(),
        name: row.get("Names")?.get(0)?.as_str()?.trim_start_matches('/').to_owned(),
        is_running: row.get("State")?.as_str()? == "running",
        address: address.filter(|address| !address.is_empty()).map(str::to_owned),
    })
}

/// Makes a network whose addresses the engine chooses.
pub(crate) fn create_network(engine: &Address, name: &str) -> Outcome<()> {
    let body = serde_json::json!({ "Name": name, "CheckDuplicate": true }).to_string();
    good(http_post(
        engine,
        "/v1.40/networks/create",
        JSON,
        body.as_bytes(),
        LIMIT,
    )?)
    .map(|_| ())
}

/// Makes a container; answers its id.
pub(crate) fn create_container(engine: &Address, name: &str, specification: &Value) -> Outcome<String> {
    let (path, body) = (
        format!("/v1.40/containers/create?name={name}"),
        specification.to_string(),
    );
    let answer = good(http_post(engine, &path, JSON, body.as_bytes(), LIMIT)?)?;
    let value: Value = serde_json::from_slice(&answer.body).while_doing(|| "read an id".to_owned())?;
    let id = value.get("Id").and_then(Value::as_str);
    id.map(str::to_owned)
        .ok_or_else(|| Failure::new("a create answered no id"))
}

/// Starts a container; one that runs already is fine.
pub(crate) fn start_container(engine: &Address, id: &str) -> Outcome<()> {
    let path = format!("/v1.40/containers/{id}/start");
    good(http_post(engine, &path, JSON, &[], LIMIT)?).map(|_| ())
}

/// Starts containers in this order, so many at a time.
pub(crate) fn start_all(engine: &Address, ids: &[String], at_a_time: usize) -> Outcome<()> {
    let next = Mutex::new(ids.iter());
    let work = || {
        loop {
            let id = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(id) = id else { return Ok(()) };
            start_container(engine, id)?;
        }
    };
    let crashed = |_| Err(Failure::new("a thread that starts containers crashed"));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..at_a_time).map(|_| scope.spawn(work)).collect();
        let ends = threads.into_iter().map(|thread| thread.join().unwrap_or_else(crashed));
        ends.collect()
    })
}

fn good(answer: Answer) -> Outcome<Answer> {
    // 304: it runs already.
    if answer.status < 300 || answer.status == 304 {
        return Ok(answer);
    }
    Err(Failure::new(format!(
        "the engine answered {}: {}",
        answer.status,
        answer.text().trim()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_list_is_read() {
        let row = serde_json::json!({
            "Id": "abc", "Names": ["/shop.web.1"], "State": "exited",
            "NetworkSettings": { "Networks": { "n": { "IPAddress": "" } } }
        });
        let expected = Listed {
            id: "abc".into(),
            name: "shop.web.1".into(),
            is_running: false,
            address: None,
        };
        assert_eq!(listed(&row), Some(expected));
    }
}
