//! `events`: the audit trail, also as it grows.

use std::sync::Arc;
use std::time::Duration;

use ps_core::audit::NumberedAuditEntry;
use ps_core::host::Clock;
use ps_core::names::AppName;
use ps_core::store::Store;

use super::Outcome;
use crate::arguments::{Events, Format};
use crate::command_error::CommandError;
use crate::exit_status::ExitStatus;
use crate::rendering::events::{Columns, EventsView, event};
use crate::terminal::Terminal;
use crate::wiring::Session;

/// How long a reader that follows waits before it looks again. A look is one search in an index.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn events(arguments: &Events, session: &Session) -> Outcome {
    let app = arguments.app.as_ref();
    let limit = usize::try_from(arguments.number).unwrap_or(usize::MAX);
    // The newest one says where the trail ends, also when none is to be shown.
    let mut entries = session.store_to_read().await?.read_audit(app, 0, limit.max(1)).await?;
    // An app that is gone still has its past; a name without one is mistyped.
    if let (Some(app), true) = (app, entries.is_empty()) {
        session.app(app).await?;
    }
    let terminal = session.terminal();
    let last = entries.last().map_or(0, |entry| entry.number);
    entries.truncate(limit);
    if arguments.follow {
        return follow(arguments, &entries, last, session).await;
    }
    if arguments.format == Format::Json {
        terminal.json(&EventsView::new(&entries).document());
        return Ok(ExitStatus::Done);
    }
    if last == 0 {
        terminal.warn("nothing has happened yet");
    }
    Printer::new(arguments.format).print(&entries, terminal);
    Ok(ExitStatus::Done)
}

async fn follow(arguments: &Events, entries: &[NumberedAuditEntry], last: u64, session: &Session) -> Outcome {
    let _guard = session.interrupt().guard();
    let mut printer = Printer::new(arguments.format);
    printer.print(entries, session.terminal());
    let mut trail = Trail {
        app: arguments.app.clone(),
        last,
        clock: session.clock(),
    };
    // There may be no store yet.
    let mut store: Option<Arc<dyn Store>> = None;
    let print = async {
        loop {
            if store.is_none() {
                store = session.existing_store()?;
            }
            let new = trail.grown(store.as_deref()).await?;
            printer.print(&new, session.terminal());
            if session.terminal().is_closed() {
                return Ok(ExitStatus::Done);
            }
        }
    };
    tokio::select! {
        ended = print => ended,
        status = session.interrupt().wait() => Ok(status),
    }
}

/// Where a reader that follows the trail stands.
struct Trail {
    app: Option<AppName>,
    last: u64,
    clock: Arc<dyn Clock>,
}

impl Trail {
    /// What was added since the last look; looks again after a while.
    async fn grown(&mut self, store: Option<&dyn Store>) -> Result<Vec<NumberedAuditEntry>, CommandError> {
        let new = match store {
            Some(store) => store.read_audit(self.app.as_ref(), self.last, usize::MAX).await?,
            None => Vec::new(),
        };
        if let Some(newest) = new.last() {
            self.last = newest.number;
        } else {
            self.clock.sleep(LOOK_AGAIN).await;
        }
        Ok(new)
    }
}

struct Printer {
    format: Format,
    columns: Columns,
}

impl Printer {
    fn new(format: Format) -> Self {
        Self {
            format,
            columns: Columns::default(),
        }
    }

    fn print(&mut self, entries: &[NumberedAuditEntry], terminal: &Terminal) {
        self.columns.widen(entries);
        for entry in entries {
            match self.format {
                Format::Json => terminal.json_line(&event(entry)),
                Format::Stdout => self.columns.lines(entry).iter().for_each(|line| terminal.data(line)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use ps_core::audit::{AuditEntry, AuditOutcome};
    use ps_core::testing::{FakeClock, MemoryStore};

    use super::*;

    async fn add(store: &MemoryStore, app: &str) {
        let entry = AuditEntry {
            at: SystemTime::UNIX_EPOCH,
            app: Some(app.parse().unwrap()),
            verb: "ps:start".to_owned(),
            by: None,
            outcome: AuditOutcome::Done,
            text: "started".to_owned(),
        };
        store.audit(entry).await.unwrap();
    }

    #[tokio::test]
    async fn a_reader_that_follows_sees_each_new_entry_once() {
        let clock = Arc::new(FakeClock::automatic());
        let store = MemoryStore::new(clock.clone());
        let mut trail = Trail {
            app: Some("shop".parse().unwrap()),
            last: 0,
            clock,
        };
        let mut numbers = Vec::new();
        assert!(trail.grown(None).await.unwrap().is_empty());
        for app in ["shop", "blog", "shop", "shop"] {
            add(&store, app).await;
            if app == "blog" {
                continue;
            }
            let new = trail.grown(Some(&store)).await.unwrap();
            numbers.extend(new.iter().map(|entry| entry.number));
            assert!(trail.grown(Some(&store)).await.unwrap().is_empty());
        }
        assert_eq!(numbers, [1, 3, 4]);
    }
}
