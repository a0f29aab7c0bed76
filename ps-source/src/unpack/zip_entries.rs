//! The entries of a zip archive. Invariant: entries that share a name or bytes of the archive are refused before anything is
//! written; what is neither a file, a directory nor a link is refused.

use std::ffi::OsStr;
use std::io::{Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ps_core::source::SourceError;
use zip::read::{Config, ZipFile};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;
use zip::{DateTime, ZipArchive};

use super::tree_writer::{Attributes, TreeWriter, shown};
use crate::refusal::{refused, unreadable, unusable};

const HINT: &str = "make the archive anew, from the app's own files";

/// The longest target of a link, as the system has it.
const LINK_LIMIT: u64 = 4096;

/// The bits of a Unix mode that say what it is of.
const KIND: u32 = 0o170_000;

/// Writes all entries.
pub(super) fn read_zip(mut reader: impl Read + Seek, tree: &mut TreeWriter<'_>) -> Result<(), SourceError> {
    // Counted before an index of them is made in memory.
    let count = ZipIterable::try_new(&mut reader, Config::default())
        .map_err(broken)?
        .len();
    if count > tree.limits().entries {
        return Err(tree.limits().too_many());
    }
    let mut archive = ZipArchive::new(reader).map_err(broken)?;
    if archive.has_duplicate_names() {
        return Err(refused("a name is in the archive twice", HINT));
    }
    if archive.has_overlapping_entries().map_err(broken)? {
        return Err(refused("entries of the archive share their bytes", HINT));
    }
    for index in 0..archive.len() {
        take(archive.by_index(index).map_err(broken)?, tree)?;
    }
    Ok(())
}

fn broken(error: ZipError) -> SourceError {
    match error {
        ZipError::UnsupportedArchive(what) => {
            let message = format!("the zip archive cannot be read: {what}");
            unusable(
                message,
                "pack it with the usual method (deflate) and without a password",
            )
        }
        error => SourceError {
            hint: Some("psctl takes tar, tar.gz and zip archives".to_owned()),
            ..unreadable("the zip archive cannot be read", error)
        },
    }
}

fn take<R: Read>(mut entry: ZipFile<'_, R>, tree: &mut TreeWriter<'_>) -> Result<(), SourceError> {
    let name = entry.name_raw().to_owned();
    let is_directory = name.ends_with(b"/");
    let mode = entry.unix_mode().unwrap_or(if is_directory { 0o755 } else { 0o644 });
    let attributes = Attributes {
        mode,
        modified: entry.last_modified().map(seconds_since_1970),
    };
    match mode & KIND {
        0o120_000 => {
            let mut target = Vec::new();
            let read = entry.by_ref().take(LINK_LIMIT + 1).read_to_end(&mut target);
            read.map_err(|cause| unreadable("the zip archive cannot be read", cause))?;
            if target.len() as u64 > LINK_LIMIT {
                return Err(refusal(&name, "is a link to a name that is too long"));
            }
            tree.symbolic_link(&name, &target, attributes.modified)
        }
        0o040_000 => tree.directory(&name, attributes),
        0 | 0o100_000 if is_directory => tree.directory(&name, attributes),
        0 | 0o100_000 => tree.file(&name, attributes, entry.size(), entry),
        _ => Err(refusal(&name, "is neither a file, a directory nor a link")),
    }
}

fn refusal(name: &[u8], what: &str) -> SourceError {
    let name = shown(Path::new(OsStr::from_bytes(name)));
    refused(format!("`{name}` in the archive {what}"), HINT)
}

/// Zip knows no time zones: its time is taken as UTC.
fn seconds_since_1970(time: DateTime) -> i64 {
    let (year, month, day) = (i64::from(time.year()), i64::from(time.month()), i64::from(time.day()));
    // Years from March on, so that the day that comes every four years is the last one.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469;
    let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
    (days * 24 * 60 + minutes) * 60 + i64::from(time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_1970() {
        for (year, month, day, seconds) in [
            (1980, 1, 1, 315_532_800),
            (2000, 2, 29, 951_782_400),
            (2000, 3, 1, 951_868_800),
            (2024, 12, 31, 1_735_603_200),
        ] {
            let time = DateTime::from_date_and_time(year, month, day, 1, 2, 4).unwrap();
            assert_eq!(
                seconds_since_1970(time),
                seconds + 3600 + 120 + 4,
                "{year}-{month}-{day}"
            );
        }
    }
}
