//! Writes a build context as a tar stream. Invariant: the same tree gives the same bytes; owners are root, and a file that
//! changes its size meanwhile is an error, never a broken archive.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc::Sender;

use crate::context_walk::{ContextEntry, WalkError, walk_context};
use crate::dockerignore::DockerIgnore;

/// How many chunks may wait to be sent.
pub(crate) const CHUNKS_AHEAD: usize = 4;

const CHUNK_SIZE: usize = 64 * 1024;

/// What goes through the channel.
type Chunk = Result<Bytes, io::Error>;

/// Writes the whole context into the channel; an error is the last thing sent. Blocks while nobody reads, and stops when the
/// reader is gone. `modified` is sent in the place of every entry's own time.
pub(crate) fn write_context(root: &Path, ignore: &DockerIgnore, modified: Option<u64>, sender: &Sender<Chunk>) {
    if let Err(error) = write_tar(root, ignore, modified, sender) {
        // Nobody to tell: the reader has gone away itself.
        let _ = sender.blocking_send(Err(error));
    }
}

fn write_tar(root: &Path, ignore: &DockerIgnore, modified: Option<u64>, sender: &Sender<Chunk>) -> io::Result<()> {
    let mut builder = Builder::new(ChunkWriter {
        sender,
        buffer: BytesMut::new(),
    });
    walk_context(root, ignore, &mut |entry| {
        append(&mut builder, entry, modified).map_err(|source| WalkError::Unreadable {
            path: entry.name.clone(),
            source,
        })
    })?;
    builder.into_inner()?.flush()
}

fn append(builder: &mut Builder<ChunkWriter<'_>>, entry: &ContextEntry, modified: Option<u64>) -> io::Result<()> {
    let metadata = &entry.metadata;
    let mut header = Header::new_gnu();
    header.set_mode(metadata.mode() & 0o7777);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(modified.unwrap_or_else(|| metadata.mtime().try_into().unwrap_or(0)));
    header.set_size(0);
    if metadata.is_dir() {
        header.set_entry_type(EntryType::Directory);
        return builder.append_data(&mut header, &entry.name, io::empty());
    }
    if metadata.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        return builder.append_link(&mut header, &entry.name, fs::read_link(&entry.path)?);
    }
    let file = entry.open()?;
    let opened = file.metadata()?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(opened.len());
    builder.append_data(
        &mut header,
        &entry.name,
        ExactReader {
            file,
            left: opened.len(),
        },
    )
}

/// Gives exactly as many bytes as were announced.
struct ExactReader {
    file: File,
    left: u64,
}

impl Read for ExactReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let count = (&self.file).take(self.left).read(buffer)?;
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it became shorter while it was read",
            ));
        }
        self.left = self.left.saturating_sub(count.try_into().unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// Collects what is written into chunks.
struct ChunkWriter<'a> {
    sender: &'a Sender<Chunk>,
    buffer: BytesMut,
}

impl Write for ChunkWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_SIZE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = self.buffer.split().freeze();
        self.sender
            .blocking_send(Ok(chunk))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}
