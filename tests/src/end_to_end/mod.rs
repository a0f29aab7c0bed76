//! Whole commands of the real `psctl` on real engines. Invariant: a case sees psctl only from outside (its exit code, its output,
//! its files) and the engine only through the ports, and leaves nothing behind on it.
//!
//! Start at [`cases`]; where a case works is a [`Ground`].

mod cases;
mod ground;
mod program;
mod system_nginx;
mod terminal;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::conformance::{Failure, Verdict};

pub use ground::{Figures, Ground, Site};
pub use program::{Finished, Program, Running};
pub use system_nginx::SystemNginx;
pub use terminal::InTerminal;

/// One scenario.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it shows, as a sentence.
    pub name: &'static str,
    body: fn(&Ground) -> Verdict,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All scenarios.
pub fn cases() -> Vec<Case> {
    cases::all()
}

/// Runs one scenario on a site, and removes what it made. `number` is different for each case of a run.
pub fn run_case(case: &Case, site: &Site, number: u8) -> Verdict {
    let ground = Ground::new(site, number)?;
    let result = catch_unwind(AssertUnwindSafe(|| (case.body)(&ground)));
    let cleaned = ground.clean();
    match result {
        Ok(Ok(())) => cleaned,
        Ok(Err(failure)) => Err(ground.with_history(&failure.to_string())),
        Err(panic) => Err(ground.with_history(&panic_text(panic.as_ref()))),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("the case panicked")
        .to_owned()
}

/// Fails a case with a text unless something holds.
fn ensure(holds: bool, text: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Failure::from(text())) }
}
