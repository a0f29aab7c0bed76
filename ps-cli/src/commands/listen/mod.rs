//! `events:listen`: one long-lived process that keeps apps running.
//!
//! Invariant: it ends by a signal with 0, after what it was doing is done or mended.

mod metrics;
mod service_notes;

use std::sync::{Arc, Mutex, PoisonError};

use ps_core::audit::AuditOutcome;
use ps_core::operations::{ListenFigures, ListenNews, ListenSink, OperationError};

use super::Outcome;
use super::use_cases::changing;
use crate::arguments::EventsListen;
use crate::command_error::{CommandError, CommandErrorKind};
use crate::exit_status::ExitStatus;
use crate::terminal::Terminal;
use crate::wiring::Session;
use service_notes::ServiceNotes;

pub(super) async fn listen(arguments: &EventsListen, session: &Session) -> Outcome {
    if session.options().dry_run {
        return Err(CommandError::usage(
            "events:listen has no dry run: it acts on what happens",
        ));
    }
    let use_cases = changing(session).await?;
    let voice = Voice {
        terminal: session.terminal().clone(),
        notes: ServiceNotes::new(session.environment().text("NOTIFY_SOCKET")),
        figures: Mutex::default(),
    };
    let cannot_offer = |error| {
        let error = CommandError::new(CommandErrorKind::Failed, error);
        error.hint("choose another place with --metrics, or leave it out")
    };
    let metrics = match &arguments.metrics {
        Some(place) => Some(metrics::Offer::open(place).await.map_err(cannot_offer)?),
        None => None,
    };
    let serving = async {
        match &metrics {
            Some(offer) => offer.serve(|| voice.figures()).await,
            None => std::future::pending().await,
        }
    };
    let stopping = async {
        session.interrupt().wait().await;
        voice.notes.send("STOPPING=1\nSTATUS=ending");
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        result = use_cases.operations.listen(&voice) => result,
        () = serving => Ok(()),
        () = stopping => Ok(()),
    };
    match result {
        Ok(()) | Err(OperationError::Interrupted { .. }) => Ok(ExitStatus::Done),
        Err(error) => Err(error.into()),
    }
}

/// Says what the listener tells: to people, to the service manager, in figures.
#[derive(Debug)]
struct Voice {
    terminal: Arc<Terminal>,
    notes: ServiceNotes,
    figures: Mutex<ListenFigures>,
}

impl Voice {
    fn figures(&self) -> ListenFigures {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, figures: ListenFigures) {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = figures;
        let ListenFigures {
            apps,
            running,
            wanted,
            quarantined,
            ..
        } = figures;
        let out = if quarantined > 0 {
            format!(", {quarantined} in quarantine")
        } else {
            String::new()
        };
        let status = format!("STATUS={running} of {wanted} replicas of {apps} apps run{out}");
        self.notes.send(&status);
    }
}

impl ListenSink for Voice {
    fn tell(&self, news: ListenNews) {
        match news {
            ListenNews::Compared(is_first) => {
                if is_first {
                    self.terminal.step("Listening to the engine");
                    self.notes.send("READY=1");
                }
            }
            ListenNews::Line { app, outcome, text } => {
                let text = match app {
                    Some(app) => format!("{app}: {text}"),
                    None => text,
                };
                match outcome {
                    AuditOutcome::Done => self.terminal.section(&text),
                    AuditOutcome::Failed | AuditOutcome::Noticed => self.terminal.warn(&text),
                }
            }
            ListenNews::Figures(figures) => self.keep(figures),
        }
    }
}
