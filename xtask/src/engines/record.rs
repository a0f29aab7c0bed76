//! What `engines up` found or started, kept in `target/engines/engines.json`. A process is only ever ended when this
//! record says that it is ours.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::engines::name::EngineName;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::Address;
use crate::process::ProcessIdentity;

/// Where an engine comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// We started it as this process.
    Started(ProcessIdentity),
    /// It was there already; never ended by us.
    Found,
}

/// One engine that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineRecord {
    /// Which one.
    pub(crate) name: EngineName,
    /// The path of its unix socket.
    pub(crate) socket: PathBuf,
    /// As it tells itself, such as `20.10.24+dfsg1`.
    pub(crate) version: String,
    /// Whether it is ours.
    pub(crate) origin: Origin,
    /// The user it runs as.
    pub(crate) user: String,
    /// A process inside its network namespace, when that is not this machine's: its container addresses are reachable
    /// only from there (`nsenter --net=/proc/<pid>/ns/net`).
    pub(crate) netns_pid: Option<u32>,
}

impl EngineRecord {
    /// The socket as an address to talk to.
    pub(crate) fn address(&self) -> Address {
        Address::Unix(self.socket.clone())
    }

    fn to_json(&self) -> Value {
        let (origin, process) = match &self.origin {
            Origin::Started(process) => ("started", process.to_json()),
            Origin::Found => ("found", Value::Null),
        };
        json!({
            "name": self.name.as_str(),
            "socket": self.socket.to_string_lossy(),
            "version": self.version,
            "origin": origin,
            "process": process,
            "user": self.user,
            "netns_pid": self.netns_pid,
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let origin = match text("origin")?.as_str() {
            "started" => Origin::Started(ProcessIdentity::from_json(value.get("process")?)?),
            _ => Origin::Found,
        };
        Some(Self {
            name: text("name")?.parse().ok()?,
            socket: text("socket")?.into(),
            version: text("version")?,
            origin,
            user: text("user")?,
            netns_pid: value
                .get("netns_pid")
                .and_then(Value::as_u64)
                .and_then(|pid| u32::try_from(pid).ok()),
        })
    }
}

/// Reads the record; a missing one is empty.
pub(crate) fn read_record(file: &Path) -> Outcome<Vec<EngineRecord>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).while_doing(|| format!("read {}", file.display())),
    };
    let value: Value = serde_json::from_str(&text).while_doing(|| format!("read {}", file.display()))?;
    let engines = value.get("engines").and_then(Value::as_array);
    let engines = engines.ok_or_else(|| Failure::new(format!("{} lists no engines", file.display())))?;
    Ok(engines.iter().filter_map(EngineRecord::from_json).collect())
}

/// Replaces the record in one step, so that a reader never sees half of one.
pub(crate) fn write_record(file: &Path, engines: &[EngineRecord]) -> Outcome<()> {
    let value = json!({ "schema": 1, "engines": engines.iter().map(EngineRecord::to_json).collect::<Vec<_>>() });
    let next = file.with_extension("json.next");
    fs::write(&next, format!("{value:#}\n")).while_doing(|| format!("write {}", next.display()))?;
    fs::rename(&next, file).while_doing(|| format!("replace {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: EngineName, origin: Origin) -> EngineRecord {
        EngineRecord {
            name,
            socket: "/run/x.sock".into(),
            version: "1.2".into(),
            origin,
            user: "root".into(),
            netns_pid: Some(7),
        }
    }

    #[test]
    fn a_record_reads_back_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("engines.json");
        let ours = ProcessIdentity::of(std::process::id()).unwrap();
        let written = vec![
            record(EngineName::Docker, Origin::Found),
            record(EngineName::PodmanNewer, Origin::Started(ours)),
        ];
        write_record(&file, &written).unwrap();
        assert_eq!(read_record(&file).unwrap(), written);
    }

    #[test]
    fn no_record_means_no_engines() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_record(&folder.path().join("engines.json")).unwrap().is_empty());
    }
}
