//! The image that the example is built from, under the public name its `FROM` line has. One that is there already is used as it
//! is; one that was made here is removed afterwards.

use std::fmt;
use std::time::Duration;

use crate::busybox_image::{ImportCall, busybox_image, import_image};
use crate::demo::leftovers::delete;
use crate::engines::record::EngineRecord;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::http_get;
use crate::userland_image::Userland;
use crate::workspace_folder;

/// The base image on one engine.
#[derive(Debug)]
pub(crate) struct PublicImage {
    name: String,
    is_ours: bool,
}

impl PublicImage {
    /// Makes sure the engine has the image that the Dockerfile of `source`, a folder of the workspace, begins with.
    pub(crate) fn ensure(engine: &EngineRecord, source: &str) -> Outcome<Self> {
        let dockerfile = workspace_folder().join(source).join("Dockerfile");
        let text = std::fs::read_to_string(&dockerfile).while_doing(|| format!("read {}", dockerfile.display()))?;
        let from = text.lines().find_map(|line| line.strip_prefix("FROM "));
        let from = from.ok_or_else(|| Failure::new(format!("{} has no FROM line", dockerfile.display())))?;
        let name = full_name(from.trim(), engine.name.import_call());
        let path = format!("/images/{name}/json");
        let found = http_get(&engine.address(), &path, Duration::from_secs(10))?;
        let is_ours = found.status == 404;
        if is_ours {
            let (repository, tag) = name.rsplit_once(':').unwrap_or((&name, "latest"));
            let call = engine.name.import_call();
            let root = match Userland::of_image(from.trim()) {
                Some(userland) => {
                    let tar = userland.ensure_tar()?;
                    std::fs::read(&tar).while_doing(|| format!("read {}", tar.display()))?
                }
                None => busybox_image()?,
            };
            import_image(&engine.address(), call, repository, tag, &root)?;
        }
        Ok(Self { name, is_ours })
    }

    /// Removes it when it was made here.
    pub(crate) fn remove(&self, engine: &EngineRecord) -> Outcome<()> {
        if !self.is_ours {
            return Ok(());
        }
        delete(
            engine,
            &format!("/images/{}", self.name),
            &format!("image {}", self.name),
        )
    }
}

impl fmt::Display for PublicImage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = if self.is_ours {
            "made of what this machine has"
        } else {
            "was there"
        };
        write!(formatter, "{} ({origin})", self.name)
    }
}

/// The name an engine gives to what it pulls as `name`.
fn full_name(name: &str, call: ImportCall) -> String {
    match call {
        ImportCall::Docker => name.to_owned(),
        ImportCall::Libpod => format!("docker.io/library/{name}"),
    }
}
