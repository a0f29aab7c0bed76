//! The user's terminal while a process in a container has it: raw, and with its size passed on.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use ps_core::runtime::TerminalSize;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

/// Raw while it lives; as it was before when it is dropped.
#[derive(Debug)]
pub struct RawMode {
    before: Termios,
}

impl RawMode {
    /// Makes the terminal of standard input raw; `None` when it is none.
    pub fn enter() -> Option<Self> {
        let before = tcgetattr(rustix::stdio::stdin()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw).ok()?;
        Some(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
    }
}

/// The size of the terminal of standard output.
pub fn window_size() -> Option<TerminalSize> {
    let size = tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(TerminalSize {
        rows: size.ws_row,
        columns: size.ws_col,
    })
}

/// The new size each time it changes.
pub fn resizes() -> BoxStream<'static, TerminalSize> {
    let Ok(changes) = signal(SignalKind::window_change()) else {
        return futures_util::stream::pending().boxed();
    };
    futures_util::stream::unfold(changes, |mut changes| async {
        loop {
            changes.recv().await?;
            if let Some(size) = window_size() {
                return Some((size, changes));
            }
        }
    })
    .boxed()
}
