//! What a command is doing, from the core's events: plain lines on standard error, or JSON lines.

use std::sync::Arc;

use ps_core::execution::{EventSink, OperationEvent, StepState};
use ps_core::names::{AppName, Replica};
use ps_core::plan::ActionKind;

use crate::arguments::{GlobalOptions, ProgressChoice};
use crate::terminal::{LineState, Terminal};

/// What a build writes needs no prefix: the stage before it says whose it is.
const BUILD: &str = "build";

/// Renders events.
#[derive(Debug)]
pub struct Progress {
    terminal: Arc<Terminal>,
    choice: ProgressChoice,
    is_verbose: bool,
}

impl Progress {
    /// Renders as the flags say.
    pub fn new(terminal: Arc<Terminal>, options: &GlobalOptions) -> Self {
        Self {
            terminal,
            choice: options.progress,
            is_verbose: options.verbose > 0,
        }
    }

    fn emit_line(&self, event: &OperationEvent) {
        let terminal = &self.terminal;
        match event {
            OperationEvent::Stage { text, .. } => terminal.step(text),
            OperationEvent::Warning { text, .. } => terminal.warn(text),
            OperationEvent::Output { from, line, .. } if !terminal.is_quiet() => {
                let prefix = if *from == BUILD {
                    String::new()
                } else {
                    format!("{from} | ")
                };
                terminal.exempt_error(format!("       {prefix}{line}\n").as_bytes());
            }
            OperationEvent::Output { .. } => {}
            OperationEvent::Checking {
                app,
                replica,
                check,
                attempt,
                attempts,
                at_most,
            } => {
                let who = who(app, replica.as_ref());
                let text = match attempts {
                    0 | 1 => format!("checking {check}"),
                    _ => format!("checking {check}, attempt {attempt} of {attempts}"),
                };
                if self.is_verbose {
                    let limit = at_most.as_secs_f64();
                    terminal.detail(&format!("{who}: {text}, at most {limit:.1} s"));
                } else if terminal.is_live() {
                    terminal.replica_line(&who, &text, LineState::Working);
                }
            }
            OperationEvent::Step {
                app,
                replica,
                kind,
                text,
                state,
            } => {
                let who = who(app, replica.as_ref());
                if self.is_verbose {
                    terminal.detail(&format!("{who}: {text}: {}", state_text(*state)));
                } else if replica.is_some() && terminal.is_live() {
                    if let Some((text, line)) = live(*kind, *state) {
                        terminal.replica_line(&who, &text, line);
                    }
                } else if let Some(told) = told(*kind, *state).filter(|_| replica.is_some()) {
                    terminal.detail(&format!("{who} {told}"));
                }
            }
        }
    }
}

/// `shop web.1`, or only the app.
fn who(app: &AppName, replica: Option<&Replica>) -> String {
    replica.map_or_else(|| app.to_string(), |replica| format!("{app} {replica}"))
}

/// What a line that changes in place says after a step.
fn live(kind: ActionKind, state: StepState) -> Option<(String, LineState)> {
    let working = |text: &str| Some((text.to_owned(), LineState::Working));
    match (kind, state) {
        (ActionKind::Create, StepState::Started) => working("creating"),
        (ActionKind::Start, StepState::Started) => working("starting"),
        (ActionKind::WaitReady, StepState::Started) => working("checking"),
        (ActionKind::Stop, StepState::Started) => working("stopping"),
        (ActionKind::Remove, StepState::Started) => working("removing"),
        (ActionKind::Create, StepState::Done(_)) => Some(("created".to_owned(), LineState::Settled)),
        _ => told(kind, state).map(|text| (text, LineState::Settled)),
    }
}

/// The few steps worth a line each.
fn told(kind: ActionKind, state: StepState) -> Option<String> {
    Some(match (kind, state) {
        (ActionKind::Create, StepState::Done(_)) => "created".to_owned(),
        (ActionKind::Start, StepState::Done(took)) => format!("started ({:.1} s)", took.as_secs_f64()),
        (ActionKind::WaitReady, StepState::Started) => "checking".to_owned(),
        (ActionKind::WaitReady, StepState::Done(took)) => format!("ready ({:.1} s)", took.as_secs_f64()),
        (ActionKind::WaitReady, StepState::Failed) => "not ready".to_owned(),
        (ActionKind::Stop, StepState::Started) => "stopping".to_owned(),
        (ActionKind::Stop, StepState::Done(took)) => format!("stopped ({:.1} s)", took.as_secs_f64()),
        (ActionKind::Remove, StepState::Done(_)) => "removed".to_owned(),
        _ => return None,
    })
}

fn state_text(state: StepState) -> String {
    match state {
        StepState::Started => "started".to_owned(),
        StepState::Done(took) => format!("done ({:.3} s)", took.as_secs_f64()),
        StepState::Failed => "failed".to_owned(),
    }
}

fn as_json(event: &OperationEvent) -> serde_json::Value {
    match event {
        OperationEvent::Stage { app, text } => serde_json::json!({"event": "stage", "app": app.as_str(), "text": text}),
        OperationEvent::Warning { app, text } => {
            serde_json::json!({"event": "warning", "app": app.as_str(), "text": text})
        }
        OperationEvent::Output { app, from, line, .. } => {
            serde_json::json!({"event": "output", "app": app.as_str(), "from": from, "line": line})
        }
        OperationEvent::Checking {
            app,
            replica,
            check,
            attempt,
            attempts,
            at_most,
        } => {
            let replica = replica.as_ref().map(ToString::to_string);
            serde_json::json!({
                "event": "checking", "app": app.as_str(), "replica": replica, "check": check, "attempt": attempt,
                "attempts": attempts, "at_most_seconds": at_most.as_secs_f64(),
            })
        }
        OperationEvent::Step {
            app,
            replica,
            text,
            state,
            ..
        } => {
            let (state, seconds) = match state {
                StepState::Started => ("started", None),
                StepState::Done(took) => ("done", Some(took.as_secs_f64())),
                StepState::Failed => ("failed", None),
            };
            let replica = replica.as_ref().map(ToString::to_string);
            serde_json::json!({
                "event": "step", "app": app.as_str(), "replica": replica, "step": text, "state": state, "seconds": seconds,
            })
        }
    }
}

impl EventSink for Progress {
    fn emit(&self, event: OperationEvent) {
        match self.choice {
            ProgressChoice::None => {
                if let OperationEvent::Warning { text, .. } = &event {
                    self.terminal.warn(text);
                }
            }
            ProgressChoice::Json => self.terminal.progress_json(&as_json(&event)),
            ProgressChoice::Auto | ProgressChoice::Plain => self.emit_line(&event),
        }
    }

    fn hide(&self, values: Vec<String>) {
        self.terminal.hide(values);
    }
}
