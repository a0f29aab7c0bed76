//! The engines that tests need: finding the ones that answer, starting the others, ending what is ours.
//!
//! Invariant: nothing is ended that this checkout did not start. Start reading at [`Engines::ensure`].

pub(crate) mod daemon;
pub(crate) mod docker;
pub(crate) mod name;
pub(crate) mod newer;
pub(crate) mod ordinary_user;
pub(crate) mod packages;
pub(crate) mod places;
pub(crate) mod podman;
pub(crate) mod record;
pub(crate) mod table;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::program::{is_installed, is_root, run_quietly};
use crate::say;
use docker::DockerStart;
use name::EngineName;
use newer::Newer;
use places::Places;
use record::{EngineRecord, Origin, read_record, write_record};

/// dockerd gives its containers ten seconds to stop.
const GRACE: Duration = Duration::from_secs(30);

/// The engines of one checkout. One task at a time holds them.
pub(crate) struct Engines {
    places: Places,
    records: Vec<EngineRecord>,
    _held: File,
}

impl Engines {
    /// The engines recorded below `target`, cargo's target folder; waits while another task changes them.
    pub(crate) fn open(target: &Path) -> Outcome<Self> {
        let places = Places::below(target);
        let file = places.state()?.join("lock");
        let held = File::create(&file).while_doing(|| format!("write {}", file.display()))?;
        held.lock().while_doing(|| format!("lock {}", file.display()))?;
        let records = read_record(&places.record()?)?;
        Ok(Self {
            places,
            records,
            _held: held,
        })
    }

    /// Makes sure that each of `names` answers: finds it, or starts it. Safe to repeat.
    pub(crate) fn ensure(&mut self, names: &[EngineName]) -> Outcome<Vec<EngineRecord>> {
        if is_root() {
            packages::ensure_installed(&packages::STANDARD)?;
        }
        let mut ready = Vec::new();
        for &name in names {
            let record = match self.find(name)? {
                Some(record) => record,
                None => self.start(name)?,
            };
            self.keep(record.clone())?;
            ready.push(record);
        }
        Ok(ready)
    }

    /// What the record says, whether it still holds or not.
    pub(crate) fn recorded(&self) -> &[EngineRecord] {
        &self.records
    }

    /// Ends every engine that is ours, newest first, and forgets all of them.
    pub(crate) fn down(&mut self) -> Outcome<()> {
        while let Some(record) = self.records.last().cloned() {
            match &record.origin {
                Origin::Started(process) if process.is_running() => {
                    process.end(GRACE)?;
                    say(&format!("engines: {} ended (pid {})", record.name, process.pid));
                }
                Origin::Started(_) => say(&format!("engines: {} had ended already", record.name)),
                Origin::Found => say(&format!("engines: {} is not ours and stays", record.name)),
            }
            self.records.pop();
            write_record(&self.places.record()?, &self.records)?;
        }
        self.unmount()
    }

    /// Ours are in private namespaces and go with their processes; this is for what a person mounted by hand.
    fn unmount(&self) -> Outcome<()> {
        for mount in newer::mounts_below(self.places.state()?)? {
            run_quietly(Command::new("umount").arg("-l").arg(&mount))?;
            say(&format!("engines: unmounted {}", mount.display()));
        }
        Ok(())
    }

    fn keep(&mut self, record: EngineRecord) -> Outcome<()> {
        self.records.retain(|other| other.name != record.name);
        self.records.push(record);
        self.records.sort_by_key(|record| record.name);
        write_record(&self.places.record()?, &self.records)
    }

    /// An engine that answers already: the recorded one, else one in a usual place.
    fn find(&self, name: EngineName) -> Outcome<Option<EngineRecord>> {
        if let Some(record) = self.records.iter().find(|record| record.name == name)
            && daemon::answers(&record.socket)
        {
            let origin = match &record.origin {
                Origin::Started(process) if process.is_running() => record.origin.clone(),
                _ => Origin::Found,
            };
            let version = daemon::version(&record.socket)?;
            return Ok(Some(EngineRecord {
                version,
                origin,
                ..record.clone()
            }));
        }
        for socket in self.usual_sockets(name)? {
            if daemon::answers(&socket) {
                say(&format!("engines: {name} answers already on {}", socket.display()));
                return Ok(Some(record_of(name, socket, Origin::Found)?));
            }
        }
        Ok(None)
    }

    /// Where `name` may answer already. As root, Podman's services are started with a configuration of ours even when the
    /// system has some: it is what makes containers start on a bare machine.
    fn usual_sockets(&self, name: EngineName) -> Outcome<Vec<PathBuf>> {
        let mut sockets: Vec<PathBuf> = std::env::var_os(name.test_variable())
            .map(PathBuf::from)
            .into_iter()
            .collect();
        match name {
            EngineName::Docker => sockets.push(docker::SOCKET.into()),
            EngineName::Podman if is_root() => sockets.push(podman::rootful_socket(&self.places)?),
            EngineName::Podman => sockets.push("/run/podman/podman.sock".into()),
            EngineName::PodmanRootless if is_root() => {
                let user = ordinary_user::find_user()?;
                sockets.extend(user.map(|user| podman::rootless_socket(&self.places, &user)));
            }
            EngineName::PodmanRootless => {
                let folder = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
                sockets.extend(folder.map(|folder| folder.join("podman/podman.sock")));
                sockets.push(podman::own_socket(&self.places)?);
            }
            EngineName::DockerNewer => sockets.push(Newer::Docker.socket(&self.places)?),
            EngineName::PodmanNewer => sockets.push(Newer::Podman.socket(&self.places)?),
        }
        Ok(sockets)
    }

    fn start(&self, name: EngineName) -> Outcome<EngineRecord> {
        let is_own = name == EngineName::PodmanRootless && is_installed("podman");
        if !is_root() && !is_own {
            let looked = self.usual_sockets(name)?;
            let looked: Vec<String> = looked.iter().map(|socket| socket.display().to_string()).collect();
            return Err(Failure::new(format!(
                "{name} does not answer on {}\n  starting it needs root: run `cargo xtask engines up` as root, \
                 or start it yourself and name its socket in {}",
                looked.join(" or "),
                name.test_variable()
            )));
        }
        say(&format!("engines: starting {name}"));
        let begun = Instant::now();
        let (socket, origin) = match name {
            EngineName::Docker => match docker::start_docker(&self.places)? {
                (socket, DockerStart::Ours(process)) => (socket, Origin::Started(process)),
                (socket, DockerStart::Theirs) => (socket, Origin::Found),
            },
            EngineName::Podman => started(podman::start_rootful(&self.places)?),
            EngineName::PodmanRootless if is_root() => started(podman::start_rootless(&self.places)?),
            EngineName::PodmanRootless => started(podman::start_own(&self.places)?),
            EngineName::DockerNewer => started(Newer::Docker.start(&self.places)?),
            EngineName::PodmanNewer => started(Newer::Podman.start(&self.places)?),
        };
        let record = record_of(name, socket, origin)?;
        say(&format!(
            "engines: {name} {} answers after {:.1} s",
            record.version,
            begun.elapsed().as_secs_f32()
        ));
        Ok(record)
    }
}

fn started((socket, process): (PathBuf, crate::process::ProcessIdentity)) -> (PathBuf, Origin) {
    (socket, Origin::Started(process))
}

fn record_of(name: EngineName, socket: PathBuf, origin: Origin) -> Outcome<EngineRecord> {
    let netns_pid = match (&origin, name) {
        (Origin::Started(process), EngineName::DockerNewer) => Some(process.pid),
        _ => None,
    };
    let user = if name == EngineName::PodmanRootless && is_root() {
        ordinary_user::USER
    } else {
        "root"
    };
    let version = daemon::version(&socket)?;
    Ok(EngineRecord {
        name,
        socket,
        version,
        origin,
        user: user.to_owned(),
        netns_pid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ProcessIdentity;

    fn record(name: EngineName, origin: Origin) -> EngineRecord {
        EngineRecord {
            name,
            socket: "/nowhere.sock".into(),
            version: "1".into(),
            origin,
            user: "root".into(),
            netns_pid: None,
        }
    }

    #[test]
    fn down_ends_what_is_ours_and_forgets_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let mut ours = Command::new("sleep").arg("60").spawn().unwrap();
        let mut theirs = Command::new("sleep").arg("60").spawn().unwrap();
        let mut engines = Engines::open(folder.path()).unwrap();
        engines.keep(record(EngineName::Docker, Origin::Found)).unwrap();
        let process = ProcessIdentity::of(ours.id()).unwrap();
        engines
            .keep(record(EngineName::Podman, Origin::Started(process.clone())))
            .unwrap();
        engines.down().unwrap();
        assert!(!process.is_running());
        assert!(ProcessIdentity::of(theirs.id()).is_some());
        drop(engines);
        assert!(Engines::open(folder.path()).unwrap().recorded().is_empty());
        ours.wait().unwrap();
        theirs.kill().unwrap();
        theirs.wait().unwrap();
    }

    #[test]
    fn an_engine_that_does_not_answer_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut engines = Engines::open(folder.path()).unwrap();
        let silent = record(EngineName::PodmanNewer, Origin::Found);
        engines.keep(silent.clone()).unwrap();
        // One that the environment names may be there.
        let found = engines.find(EngineName::PodmanNewer).unwrap();
        assert_ne!(found.map(|found| found.socket), Some(silent.socket));
    }
}
