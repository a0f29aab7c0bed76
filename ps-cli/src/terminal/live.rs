//! Lines at the end of standard error that change in place, one for each replica that is worked on. Invariant: what is written
//! otherwise stands above them, and nothing is drawn where standard error is no terminal.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{DETAIL, lock};

/// How often the seconds of a line go on.
const TICK: Duration = Duration::from_millis(100);

/// Whether a line still changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// Something is being done; the seconds since then are shown.
    Working,
    /// It stays as it is.
    Settled,
}

#[derive(Debug)]
struct Line {
    who: String,
    text: String,
    bar: ProgressBar,
}

/// The lines.
#[derive(Debug)]
pub(super) struct Live {
    drawn: MultiProgress,
    lines: Mutex<Vec<Line>>,
}

impl Live {
    /// Draws nothing until it is told where.
    pub(super) fn hidden() -> Self {
        Self {
            drawn: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            lines: Mutex::default(),
        }
    }

    /// Draws there from now on.
    pub(super) fn draw_on(&self, target: ProgressDrawTarget) {
        self.drawn.set_draw_target(target);
    }

    /// Whether anybody sees the lines.
    pub(super) fn is_shown(&self) -> bool {
        !self.drawn.is_hidden()
    }

    /// Says what is done with somebody.
    pub(super) fn tell(&self, who: &str, text: String, state: LineState) {
        let mut lines = lock(&self.lines);
        let position = lines.iter().position(|line| line.who == who).unwrap_or_else(|| {
            let bar = self.drawn.add(ProgressBar::new_spinner().with_prefix(who.to_owned()));
            lines.push(Line {
                who: who.to_owned(),
                text: String::new(),
                bar,
            });
            lines.len() - 1
        });
        let Some(line) = lines.get_mut(position) else { return };
        line.text.clone_from(&text);
        line.bar.set_message(text);
        match state {
            LineState::Working => {
                line.bar
                    .set_style(style(&format!("{DETAIL}{{prefix}}  {{msg}}  {{seconds}}")));
                line.bar.reset_elapsed();
                line.bar.enable_steady_tick(TICK);
            }
            LineState::Settled => {
                line.bar.disable_steady_tick();
                line.bar.set_style(style(&format!("{DETAIL}{{prefix}}  {{msg}}")));
                line.bar.tick();
            }
        }
    }

    /// Takes the lines away, and gives what they said last.
    pub(super) fn take(&self) -> Vec<String> {
        let lines = std::mem::take(&mut *lock(&self.lines));
        let told = lines
            .iter()
            .map(|line| format!("{}  {}", line.who, line.text))
            .collect();
        for line in lines {
            line.bar.finish_and_clear();
            self.drawn.remove(&line.bar);
        }
        told
    }

    /// Writes above the lines.
    pub(super) fn above<R>(&self, write: impl FnOnce() -> R) -> R {
        self.drawn.suspend(write)
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("seconds", |state: &ProgressState, line: &mut dyn std::fmt::Write| {
        // A line that cannot be written is drawn again at the next tick.
        let _ = write!(line, "{:.1} s", state.elapsed().as_secs_f64());
    })
}
