//! How values of the domain stand in columns. Reading what was written gives the same value, to the nanosecond.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ps_core::addresses::Endpoint;
use ps_core::app::CheckMode;
use ps_core::names::ProcessType;
use ps_core::release::{Processes, Source};
use ps_core::repository::GitReference;
use ps_core::runtime::{ImageDetail, ImageId};
use serde::{Deserialize, Serialize};

use crate::classify_error::Failure;

const LOOPBACK: &str = "127.0.0.1:";

/// Reads a word that was checked when it was written.
pub(crate) fn parse<T: FromStr>(what: &'static str, word: &str) -> Result<T, Failure>
where
    T::Err: Error + Send + Sync + 'static,
{
    word.parse().map_err(|error| Failure::unreadable(what, error))
}

/// A number as `SQLite` keeps it.
pub(crate) fn store_number(what: &'static str, number: impl TryInto<i64>) -> Result<i64, Failure> {
    number.try_into().map_err(|_| Failure::Unstorable { what })
}

/// A number as the domain keeps it.
pub(crate) fn read_number<T>(what: &'static str, number: i64) -> Result<T, Failure>
where
    T: TryFrom<i64>,
    T::Error: Error + Send + Sync + 'static,
{
    T::try_from(number).map_err(|error| Failure::unreadable(what, error))
}

pub(crate) fn store_time(time: SystemTime) -> Result<i64, Failure> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => store_number("a time", after.as_nanos()),
        Err(before) => store_number("a time", before.duration().as_nanos()).map(|nanos| -nanos),
    }
}

pub(crate) fn read_time(nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    let time = if nanos < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

pub(crate) fn store_duration(duration: Duration) -> Result<i64, Failure> {
    store_number("a duration", duration.as_nanos())
}

pub(crate) fn read_duration(nanos: i64) -> Duration {
    Duration::from_nanos(nanos.unsigned_abs())
}

pub(crate) fn read_endpoint(text: &str) -> Result<Endpoint, Failure> {
    match text.strip_prefix(LOOPBACK) {
        Some(port) => parse("a port", port).map(Endpoint::LoopbackPort),
        None => parse("an address", text).map(Endpoint::Address),
    }
}

/// Kind, location and detail. A path need not be text, so locations are bytes.
pub(crate) fn store_source(source: &Source) -> (&'static str, &[u8], Option<&str>) {
    match source {
        Source::Directory(path) => ("directory", path.as_os_str().as_bytes(), None),
        Source::Archive { file, digest } => ("archive", file.as_os_str().as_bytes(), digest.as_deref()),
        Source::Git { repository, reference } => (
            "git",
            repository.with_credentials().as_bytes(),
            reference.as_ref().map(GitReference::as_str),
        ),
        Source::Image(image) => ("image", image.as_bytes(), None),
        Source::ImageArchive { file, image } => (
            "image-archive",
            file.as_os_str().as_bytes(),
            image.as_ref().map(|id| id.0.as_str()),
        ),
    }
}

pub(crate) fn read_source(kind: &str, location: Vec<u8>, detail: Option<String>) -> Result<Source, Failure> {
    let path = |location| PathBuf::from(OsString::from_vec(location));
    let text = |location| String::from_utf8(location).map_err(|error| Failure::unreadable("a source", error));
    match kind {
        "directory" => Ok(Source::Directory(path(location))),
        "archive" => Ok(Source::Archive {
            file: path(location),
            digest: detail,
        }),
        "git" => Ok(Source::Git {
            repository: parse("a repository", &text(location)?)?,
            reference: detail.map(|word| parse("a reference", &word)).transpose()?,
        }),
        "image" => text(location).map(Source::Image),
        "image-archive" => Ok(Source::ImageArchive {
            file: path(location),
            image: detail.map(ImageId),
        }),
        other => Err(Failure::Unknown {
            what: "kind of source",
            word: other.to_owned(),
        }),
    }
}

/// The word for a mode; `None` for the default, which is not kept.
pub(crate) fn store_check_mode(mode: CheckMode) -> Option<&'static str> {
    match mode {
        CheckMode::Enabled => None,
        CheckMode::Skipped => Some("skipped"),
        CheckMode::Disabled => Some("disabled"),
    }
}

pub(crate) fn read_check_mode(word: &str) -> Result<CheckMode, Failure> {
    match word {
        "skipped" => Ok(CheckMode::Skipped),
        "disabled" => Ok(CheckMode::Disabled),
        other => Err(Failure::Unknown {
            what: "check mode",
            word: other.to_owned(),
        }),
    }
}

/// JSON of the commands by type; `None` where there is no Procfile.
pub(crate) fn store_processes(processes: &Processes) -> Result<Option<String>, Failure> {
    match processes {
        Processes::ImageDefault => Ok(None),
        Processes::Procfile(commands) => {
            let row: BTreeMap<&str, &str> = commands.iter().map(|(t, c)| (t.as_str(), c.as_str())).collect();
            to_json(&row).map(Some)
        }
    }
}

pub(crate) fn read_processes(json: Option<&str>) -> Result<Processes, Failure> {
    let Some(json) = json else {
        return Ok(Processes::ImageDefault);
    };
    let row: BTreeMap<String, String> = from_json("the commands of a release", json)?;
    let commands = row
        .into_iter()
        .map(|(name, command)| parse::<ProcessType>("a process type", &name).map(|name| (name, command)))
        .collect::<Result<_, _>>()?;
    Ok(Processes::Procfile(commands))
}

/// An image's own words as JSON. A later version may add fields: each has a default.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct ImageRow {
    id: Option<String>,
    entrypoint: Vec<String>,
    command: Vec<String>,
    exposed_ports: Vec<u16>,
    working_dir: String,
    user: String,
    labels: BTreeMap<String, String>,
}

pub(crate) fn store_image(detail: &ImageDetail) -> Result<String, Failure> {
    // Taken apart whole, so that a new field cannot be forgotten.
    let ImageDetail {
        id,
        entrypoint,
        command,
        exposed_ports,
        working_dir,
        user,
        labels,
    } = detail.clone();
    to_json(&ImageRow {
        id: id.map(|id| id.0),
        entrypoint,
        command,
        exposed_ports,
        working_dir,
        user,
        labels,
    })
}

pub(crate) fn read_image(json: &str) -> Result<ImageDetail, Failure> {
    let row: ImageRow = from_json("an image", json)?;
    Ok(ImageDetail {
        id: row.id.map(ImageId),
        entrypoint: row.entrypoint,
        command: row.command,
        exposed_ports: row.exposed_ports,
        working_dir: row.working_dir,
        user: row.user,
        labels: row.labels,
    })
}

pub(crate) fn to_json<T: Serialize>(row: &T) -> Result<String, Failure> {
    serde_json::to_string(row).map_err(|_| Failure::Unstorable { what: "a release" })
}

pub(crate) fn from_json<T: for<'a> Deserialize<'a>>(what: &'static str, json: &str) -> Result<T, Failure> {
    serde_json::from_str(json).map_err(|error| Failure::unreadable(what, error))
}
