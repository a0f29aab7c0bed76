//! What a container wrote last, for people who have to find out why it failed. Invariant: it is short.

use futures_util::StreamExt;

use crate::runtime::{ContainerId, ContainerRuntime, LogOptions};

/// Log lines shown of a replica that is not ready.
const LOG_LINES: u32 = 20;

/// The last lines that a container wrote, both streams together; empty when they cannot be had.
pub(crate) async fn last_lines<R: ContainerRuntime + ?Sized>(runtime: &R, id: &ContainerId) -> Vec<String> {
    let mut logs = runtime.read_logs(
        id,
        LogOptions {
            follow: false,
            tail: Some(LOG_LINES),
        },
    );
    let mut bytes = Vec::new();
    while let Some(Ok(chunk)) = logs.next().await {
        bytes.extend_from_slice(&chunk.bytes);
    }
    String::from_utf8_lossy(&bytes)
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}
