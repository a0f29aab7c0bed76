//! Every call once, against real Podman services: `PSCTL_TEST_PODMAN` and `PSCTL_TEST_PODMAN_ROOTLESS` hold their
//! addresses. A missing service shows as ignored with the reason in the name, and fails when `PS_REQUIRE_ENGINES` is set.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_imports,
    reason = "cases fail by panicking, and use most of the port's vocabulary"
)]

mod bench;
mod containers;
mod images;
mod networks;
mod services;
mod terminals;

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::process::ExitCode;

use bench::Bench;
use futures_util::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};

type Outcome = Result<(), Box<dyn std::error::Error>>;
type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// A sentence, and what proves it.
pub(crate) struct Case {
    name: &'static str,
    body: for<'a> fn(&'a Bench) -> Running<'a>,
}

/// `case!(name)` makes a case of an async function of that name.
macro_rules! case {
    ($name:ident) => {
        $crate::Case {
            name: stringify!($name),
            body: |bench| Box::pin($name(bench)),
        }
    };
}
pub(crate) use case;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = services::trials();
    for (engine, variable) in [
        ("rootful", "PSCTL_TEST_PODMAN"),
        ("rootless", "PSCTL_TEST_PODMAN_ROOTLESS"),
    ] {
        let cases = [containers::CASES, images::CASES, networks::CASES, terminals::CASES];
        for case in cases.into_iter().flatten() {
            trials.push(trial(engine, variable, case));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(engine: &str, variable: &'static str, case: &'static Case) -> Trial {
    let is_required = std::env::var_os("PS_REQUIRE_ENGINES").is_some();
    let Ok(address) = std::env::var(variable) else {
        let name = format!("{engine}::{} ({variable} is not set)", case.name);
        let missing = move || Err(Failed::from(format!("{variable} is not set")));
        return Trial::test(name, missing).with_ignored_flag(!is_required);
    };
    Trial::test(format!("{engine}::{}", case.name), move || run(&address, case))
}

/// The case's own outcome first, then that of cleaning up.
fn run(address: &str, case: &Case) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let bench = Bench::connect(address).await.map_err(explained)?;
        let limit = std::time::Duration::from_secs(120);
        let body = AssertUnwindSafe((case.body)(&bench)).catch_unwind();
        let outcome = tokio::time::timeout(limit, body).await;
        let cleaned = bench.clean_up().await;
        let outcome = outcome.map_err(|_| Failed::from("it took more than 120 s"))?;
        outcome
            .unwrap_or_else(|panic| resume_unwind(panic))
            .map_err(explained)?;
        cleaned.map_err(explained)
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn explained(error: Box<dyn std::error::Error>) -> Failed {
    let layers = std::iter::successors(Some(&*error as &dyn std::error::Error), |error| error.source());
    let texts: Vec<String> = layers.map(ToString::to_string).collect();
    Failed::from(texts.join(": "))
}
