//! The `psctl` program: hands its words, environment and streams to the library.

use std::process::ExitCode;
use std::sync::Arc;

use ps_cli::environment::{Environment, Io};
use ps_cli::wiring::adapters::RealAdapters;

fn main() -> ExitCode {
    // The report of a bug goes through the terminal, with config values hidden.
    std::panic::set_hook(Box::new(|_| {}));
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let environment = Environment::of_process();
    let adapters = Arc::new(RealAdapters::default());
    ExitCode::from(ps_cli::run(&words, environment, Io::of_process(), adapters).code())
}
