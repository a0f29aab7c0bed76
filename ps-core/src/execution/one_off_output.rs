//! What a one-off process writes, line by line, while it is waited for. Invariant: a line is told once and whole, however
//! the engine cuts it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt;

use super::events::OperationEvent;
use super::execute::ExecutionPorts;
use crate::names::{AppName, OneOffKind};
use crate::runtime::{ContainerId, LogOptions, OutputChannel, OutputChunk, RuntimeStream};

/// The longest line that is put together; a longer one is told in pieces.
const LONGEST_LINE: usize = 64 * 1024;

/// The streams of a container that an earlier step attached to, for the step that waits for it. Equal to its clones.
#[derive(Clone)]
pub struct AttachedOutput(Arc<Mutex<Option<RuntimeStream<OutputChunk>>>>);

impl AttachedOutput {
    pub(super) fn new(stream: RuntimeStream<OutputChunk>) -> Self {
        Self(Arc::new(Mutex::new(Some(stream))))
    }

    fn take(&self) -> Option<RuntimeStream<OutputChunk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl std::fmt::Debug for AttachedOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AttachedOutput").finish()
    }
}

impl PartialEq for AttachedOutput {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for AttachedOutput {}

/// Tells what a one-off writes until it ends: what was attached to, else its log.
pub(super) async fn pass_on_output(
    ports: &ExecutionPorts<'_>,
    app: &AppName,
    id: &ContainerId,
    kind: OneOffKind,
    attached: Option<&AttachedOutput>,
) {
    let follow = LogOptions {
        follow: true,
        tail: None,
    };
    let attached = attached.and_then(AttachedOutput::take);
    let mut chunks = attached.unwrap_or_else(|| ports.engine.read_logs(id, follow));
    let tell = |channel: OutputChannel, line: &[u8]| {
        ports.events.emit(OperationEvent::Output {
            app: app.clone(),
            from: kind.as_str(),
            channel,
            line: String::from_utf8_lossy(line).trim_end().to_owned(),
        });
    };
    let mut pending: [(OutputChannel, Vec<u8>); 2] =
        [OutputChannel::Out, OutputChannel::Err].map(|channel| (channel, Vec::new()));
    while let Some(Ok(chunk)) = chunks.next().await {
        for (channel, begun) in pending.iter_mut().filter(|(channel, _)| *channel == chunk.channel) {
            for line in whole_lines(begun, &chunk.bytes) {
                tell(*channel, &line);
            }
        }
    }
    for (channel, rest) in pending.iter().filter(|(_, rest)| !rest.is_empty()) {
        tell(*channel, rest);
    }
}

/// The lines that end within the new bytes; the rest stays for the next ones.
fn whole_lines(begun: &mut Vec<u8>, bytes: &Bytes) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        begun.extend_from_slice(piece);
        if piece.ends_with(b"\n") || begun.len() >= LONGEST_LINE {
            lines.push(std::mem::take(begun));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_whole_however_it_is_cut() {
        let mut begun = Vec::new();
        let mut lines = Vec::new();
        for piece in ["on", "e\ntwo", "\n\nth", "ree"] {
            lines.extend(whole_lines(&mut begun, &Bytes::from(piece)));
        }
        assert_eq!(lines, [&b"one\n"[..], b"two\n", b"\n"]);
        assert_eq!(begun, b"three");
    }
}
