//! Real nginx, one process and one port a case, in a folder of its own: as an nginx of psctl's own, and as a private copy of a system
//! with Debian's default site. Without nginx every case shows as ignored with the reason in its name; with `PS_REQUIRE_ENGINES`
//! set it fails. Invariant: each case ends the nginx that it started, by its process id.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the case")]

mod app_server;
mod client;
mod ground;
mod own_cases;
mod switching_cases;
mod system_cases;
mod template_cases;
mod traffic_cases;
mod trouble_cases;

use std::future::Future;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use ps_proxy_nginx::NginxProxy;

use crate::ground::Ground;

/// A named case.
type Case = (&'static str, Box<dyn FnOnce() -> Result<(), Failed> + Send>);

/// Runs a case with a runtime of its own.
fn case<F, R>(name: &'static str, body: F) -> Case
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = ()>,
{
    let run = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        runtime.block_on(body());
        Ok(())
    };
    (name, Box::new(run))
}

/// A figure that a reader of the output may want.
#[expect(clippy::print_stderr, reason = "figures of a test program")]
fn tell(figure: &str) {
    eprintln!("{figure}");
}

fn main() -> ExitCode {
    if let Some(wanted) = std::env::var_os(trouble_cases::CHANGE) {
        trouble_cases::make_change(&wanted.into_string().unwrap());
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let is_required = std::env::var_os("PS_REQUIRE_ENGINES").is_some();
    let has_nginx = NginxProxy::new(Ground::any_config()).program().is_some();
    let cases = [
        own_cases::cases(),
        traffic_cases::cases(),
        template_cases::cases(),
        trouble_cases::cases(),
        switching_cases::cases(),
        system_cases::cases(),
    ];
    let trials = cases.into_iter().flatten().map(|(name, body)| {
        if has_nginx {
            return Trial::test(name, body);
        }
        let absent = || Err("there is no nginx".into());
        Trial::test(format!("{name} (there is no nginx)"), absent).with_ignored_flag(!is_required)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
