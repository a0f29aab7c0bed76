//! An archive of images on its way to the engine. Invariant: a few chunks of it are in memory at any time, and no more than the
//! largest size is ever sent.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use ps_core::runtime::ByteStream;
use tokio::sync::mpsc::{self, Sender};

use crate::context_tar::CHUNKS_AHEAD;

/// The most bytes that are sent.
const LIMIT: u64 = 64 * 1024 * 1024 * 1024;

const CHUNK: usize = 128 * 1024;

/// What the file holds, read while it is sent.
pub(crate) fn stream_of(file: File) -> ByteStream {
    let opening = async move {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = send(file, LIMIT, &sender) {
                // Nobody to tell: the engine wants no more.
                let _ = sender.blocking_send(Err(error));
            }
        });
        stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        })
    };
    opening.flatten_stream().boxed()
}

/// Blocks while nobody reads, and stops when the reader is gone.
fn send(mut file: impl Read, limit: u64, sender: &Sender<io::Result<Bytes>>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut size = 0_u64;
    loop {
        let count = match file.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let chunk = buffer.get(..count).unwrap_or_default();
        size = size.saturating_add(chunk.len() as u64);
        if size > limit {
            let text = format!("the archive is larger than {} GiB", limit >> 30);
            return Err(io::Error::new(ErrorKind::FileTooLarge, text));
        }
        let is_read = chunk.is_empty() || sender.blocking_send(Ok(Bytes::copy_from_slice(chunk))).is_err();
        if is_read {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_without_an_end_is_cut_off() {
        let (sender, mut receiver) = mpsc::channel(100);
        let limit = 3 * CHUNK as u64;
        send(io::repeat(7), limit, &sender).unwrap_err();
        drop(sender);
        let mut sent = 0;
        while let Some(Ok(chunk)) = receiver.blocking_recv() {
            sent += chunk.len() as u64;
        }
        assert_eq!(sent, limit);
    }

    #[test]
    fn reading_ends_when_nobody_wants_more() {
        let (sender, receiver) = mpsc::channel(1);
        drop(receiver);
        send(io::repeat(7), u64::MAX, &sender).unwrap();
    }
}
