//! What a proxy would read of `psctl ps:report --format json`: where the web replicas are.

use std::net::SocketAddr;

use serde_json::Value;

use crate::failure::{Failure, Outcome};

/// One running web replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replica {
    /// Such as `web.2`.
    pub(crate) name: String,
    /// Where it answers.
    pub(crate) address: SocketAddr,
}

/// The web replicas of the report's only app that run.
pub(crate) fn replicas_of(report: &Value) -> Outcome<Vec<Replica>> {
    let replicas = report.pointer("/apps/0/replicas").and_then(Value::as_array);
    let replicas = replicas.ok_or_else(|| Failure::new("the report has no `apps[0].replicas`"))?;
    Ok(replicas.iter().filter_map(running_web).collect())
}

/// How many old containers wait to be removed.
pub(crate) fn retiring(report: &Value) -> u64 {
    report.pointer("/apps/0/retiring").and_then(Value::as_u64).unwrap_or(0)
}

fn running_web(replica: &Value) -> Option<Replica> {
    let text = |key: &str| replica.get(key)?.as_str();
    if text("process_type")? != "web" || text("state")? != "running" {
        return None;
    }
    let port = replica.get("port")?.as_u64()?;
    Some(Replica {
        name: text("name")?.to_owned(),
        address: format!("{}:{port}", text("address")?).parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_web_replicas_that_run_are_read() {
        let report = json!({"apps": [{"retiring": 2, "replicas": [
            {"name": "web.1", "process_type": "web", "state": "running", "address": "10.0.0.2", "port": 5000},
            {"name": "web.2", "process_type": "web", "state": "exited", "address": "10.0.0.3", "port": 5000},
            {"name": "web.3", "process_type": "web", "state": null, "address": null, "port": null},
            {"name": "worker.1", "process_type": "worker", "state": "running", "address": "10.0.0.4", "port": null},
        ]}]});
        let found = replicas_of(&report).unwrap();
        let expected = Replica {
            name: "web.1".into(),
            address: "10.0.0.2:5000".parse().unwrap(),
        };
        assert_eq!(found, [expected]);
        assert_eq!(retiring(&report), 2);
        assert!(replicas_of(&json!({"apps": []})).is_err());
    }
}
