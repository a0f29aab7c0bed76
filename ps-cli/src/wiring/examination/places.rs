//! The state directory and the file systems, looked at from outside.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ps_core::diagnosis::{Disk, Facts, FileSystem, StateFacts};

use crate::environment::Environment;

const DATABASE: &str = "psctl.db";

/// The kinds of file system that a database does not belong on, as `statfs(2)` numbers them.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
const ON_NETWORK: [(u64, &str); 5] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x00c3_6400, "CephFS"),
];

/// What can be seen without opening anything.
pub(super) fn state(directory: &Path, environment: &Environment) -> StateFacts {
    let database = directory.join(DATABASE);
    let mut facts = StateFacts {
        directory: directory.to_owned(),
        user: environment.user_id,
        database: database.clone(),
        ..StateFacts::default()
    };
    let Ok(meta) = directory.symlink_metadata() else {
        return facts;
    };
    facts.exists = true;
    facts.other_owner = Some(meta.uid()).filter(|owner| *owner != environment.user_id);
    facts.file_system = file_system(directory);
    facts.backup = newest_backup(directory);
    let is_open = |meta: &Metadata| !meta.is_symlink() && meta.mode() & 0o077 != 0;
    if is_open(&meta) {
        facts.open_to_others.push(directory.to_owned());
        let files = ["", "-wal", "-shm"].map(|end| directory.join(format!("{DATABASE}{end}")));
        let open = files
            .into_iter()
            .filter(|file| file.symlink_metadata().is_ok_and(|meta| is_open(&meta)));
        facts.open_to_others.extend(open);
    }
    facts
}

fn file_system(directory: &Path) -> FileSystem {
    let Ok(found) = rustix::fs::statfs(directory) else {
        return FileSystem::Lasting;
    };
    // Some machines have it as a signed number of 32 bits.
    let kind = u64::try_from(found.f_type).unwrap_or_default() & 0xffff_ffff;
    if IN_MEMORY.contains(&kind) {
        return FileSystem::Memory;
    }
    let network = ON_NETWORK.iter().find(|(number, _)| *number == kind);
    network.map_or(FileSystem::Lasting, |(_, name)| FileSystem::Network(name))
}

/// The copies that an upgrade makes are named after the second they were made in.
fn newest_backup(directory: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?;
    let backups = entries.flatten().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&format!("{DATABASE}.v")) && name.ends_with(".backup")
    });
    backups.max_by_key(|path| path.metadata().and_then(|meta| meta.modified()).ok())
}

/// The file systems of the state directory and, where it is here, of the engine's images.
pub(super) fn disks(directory: &Path, facts: &Facts, engine_is_here: bool) -> Vec<Disk> {
    let detail = facts.engine.found.as_ref().and_then(|found| found.detail.as_ref());
    let storage = detail
        .and_then(|detail| detail.storage.clone())
        .filter(|_| engine_is_here);
    let prune = facts
        .commands
        .client
        .as_ref()
        .map(|client| format!("{client} image prune --force"));
    let device = |path: &Path| path.metadata().ok().map(|meta| meta.dev());
    let state = directory.ancestors().find(|path| path.exists());
    let is_shared = |storage: &PathBuf| state.is_some_and(|state| device(state) == device(storage));
    let cure = prune.clone().filter(|_| storage.as_ref().is_some_and(is_shared));
    let state = state.and_then(|path| disk("the state directory", path, cure));
    let images = storage.and_then(|path| disk("the engine's images", &path, prune));
    state.into_iter().chain(images).collect()
}

fn disk(what: &'static str, path: &Path, cure: Option<String>) -> Option<Disk> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(Disk {
        what,
        path: path.to_owned(),
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        free_files: found.f_favail,
        all_files: found.f_files,
        cure,
    })
}
