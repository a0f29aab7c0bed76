//! `cargo xtask`: everything a developer of this workspace runs that is more than one cargo command.
//!
//! Each task is a module; this file only reads the arguments. Tasks need a Linux machine; those that start engines need
//! root on Debian.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to the person at the terminal"
)]

mod bench;
mod busybox_image;
mod ci;
mod demo;
mod engines;
mod failure;
mod fuzz;
mod http;
mod process;
mod program;
mod test_run;
mod test_tally;
mod tidy;
mod userland_image;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use bench::Bench;
use demo::{ChosenEngine, Demo};
use engines::Engines;
use engines::name::EngineName;
use engines::table::status_table;
use failure::{Failure, Outcome};
use test_run::TestRun;

/// Tasks of the psctl workspace
///
/// A new machine (Debian 12, root, Rust) needs only `cargo xtask ci`: it installs and starts the engines it
/// tests against. While working, `cargo xtask engines up` once and then `cargo xtask test <filter>`.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true,
    verbatim_doc_comment
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Start, stop and show the engines that tests need
    ///
    /// On a bare Debian machine, as root, `up` installs the packages that are missing and starts what does
    /// not answer: Docker, Podman as root, and Podman as the ordinary user `psctl-test`. An engine that
    /// answers already is used as it is and never ended.
    ///
    /// Records, logs and sockets are in target/engines; engines.json there names every socket. To use an
    /// engine from elsewhere, name its socket in `PSCTL_TEST_DOCKER`, `PSCTL_TEST_PODMAN` and so on.
    #[command(subcommand, verbatim_doc_comment)]
    Engines(EnginesTask),
    /// Run every test of the workspace against real engines
    ///
    /// Starts the engines first, as `engines up` does. Tests find the path of each socket in a variable:
    ///   `PSCTL_TEST_DOCKER`, `PSCTL_TEST_PODMAN`, `PSCTL_TEST_PODMAN_ROOTLESS`,
    ///   and with --newer `PSCTL_TEST_DOCKER_NEWER`, `PSCTL_TEST_PODMAN_NEWER`.
    /// `PSCTL_TEST_DOCKER_NEWER_NETNS_PID` is a process whose network namespace reaches that engine's
    /// containers. `PS_REQUIRE_ENGINES=1` makes an absent engine a failure.
    ///
    /// The last line is `N passed, N failed, N skipped`. Fails when any test failed or none ran.
    #[command(verbatim_doc_comment)]
    Test {
        #[command(flatten)]
        options: TestOptions,
        /// Only tests whose name contains this
        filter: Option<String>,
    },
    /// Watch psctl run a real app on a real engine
    ///
    /// Brings the engine up when none is there, builds psctl in release mode, deploys examples/hello, scales it,
    /// restarts it while clients ask for pages, shows what there is, and removes everything again. Fails when a step
    /// fails or a single request is lost.
    ///
    /// An ordinary user gets that user's own rootless Podman with --runtime podman.
    #[command(verbatim_doc_comment)]
    Demo {
        /// The engine
        #[arg(long, value_enum, default_value_t = DemoRuntime::Docker)]
        runtime: DemoRuntime,
        /// As root: play it as the ordinary user psctl-test, on that user's Podman
        #[arg(long)]
        rootless: bool,
        /// Leave the app running
        #[arg(long)]
        keep: bool,
    },
    /// Measure what this project promises
    #[command(subcommand)]
    Bench(Bench),
    /// Check the rules of this workspace that rustc and clippy do not know
    Tidy,
    /// Feed the Procfile parser inputs that reach new code
    ///
    /// Installs cargo-fuzz into target/tools when it is not there. What was found interesting stays in target/fuzz,
    /// and a later run goes on from it. The last line says how many inputs were tried; fails on the first that
    /// breaks a property, and shows it.
    #[command(verbatim_doc_comment)]
    Fuzz {
        /// For so long
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Run what a change has to pass: format, clippy, documentation, tidy, fuzz, test
    ///
    /// Stops at the first step that fails. The last line is that of `test`.
    Ci {
        #[command(flatten)]
        options: TestOptions,
    },
}

#[derive(Debug, Args)]
struct TestOptions {
    /// Also against Docker 26.1 and Podman 5.4
    #[arg(long)]
    newer: bool,
    /// End the tests after so many minutes; they count as failed then
    #[arg(long, default_value_t = 35)]
    limit_minutes: u64,
}

impl TestOptions {
    fn run_of(&self, filter: Option<String>) -> TestRun {
        TestRun {
            newer: self.newer,
            filter,
            limit: Duration::from_secs(self.limit_minutes * 60),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DemoRuntime {
    Docker,
    Podman,
}

#[derive(Debug, Subcommand)]
enum EnginesTask {
    /// Make every engine answer; repeating it changes nothing
    Up {
        /// Also Docker 26.1 and Podman 5.4, in a Debian 13 root tree of their own (built once, about 50 s)
        #[arg(long)]
        newer: bool,
    },
    /// End the engines that `up` started; others stay
    Down,
    /// Show what is recorded, and which of it answers
    Status,
    /// Import a busybox image into every recorded engine that answers
    Image {
        /// The image's name and tag
        #[arg(default_value = "localhost/psctl-busybox:1")]
        reference: String,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                eprintln!("error: {failure}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Outcome<()> {
    match task {
        Task::Engines(task) => run_engines(task),
        Task::Test { options, filter } => options.run_of(filter.clone()).run(),
        &Task::Demo {
            runtime,
            rootless,
            keep,
        } => {
            let engine = chosen_engine(runtime, rootless)?;
            Demo { engine, keep }.run()
        }
        Task::Bench(bench) => bench.run(),
        Task::Fuzz { seconds } => fuzz::run_fuzz(&workspace_folder(), Duration::from_secs(*seconds)),
        Task::Tidy => tidy::run_tidy(&workspace_folder()),
        Task::Ci { options } => ci::run_ci(&workspace_folder(), &options.run_of(None)),
    }
}

fn chosen_engine(runtime: DemoRuntime, rootless: bool) -> Outcome<ChosenEngine> {
    match (runtime, rootless) {
        (DemoRuntime::Docker, false) => Ok(ChosenEngine::Docker),
        (DemoRuntime::Docker, true) => Err(Failure::new("--rootless needs --runtime podman")),
        (DemoRuntime::Podman, false) => Ok(ChosenEngine::Podman),
        (DemoRuntime::Podman, true) => Ok(ChosenEngine::PodmanOfOrdinaryUser),
    }
}

fn run_engines(task: &EnginesTask) -> Outcome<()> {
    let mut engines = Engines::open(&target_folder())?;
    match task {
        EnginesTask::Up { newer } => {
            let ready = engines.ensure(&EngineName::selection(*newer))?;
            print!("{}", status_table(&ready));
            Ok(())
        }
        EnginesTask::Down => engines.down(),
        EnginesTask::Status => {
            print!("{}", status_table(engines.recorded()));
            Ok(())
        }
        EnginesTask::Image { reference } => import_everywhere(&engines, reference),
    }
}

fn import_everywhere(engines: &Engines, reference: &str) -> Outcome<()> {
    let (name, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
    let tar = busybox_image::busybox_image()?;
    for record in engines.recorded() {
        busybox_image::import_image(&record.address(), record.name.import_call(), name, tag, &tar)?;
        println!("{}: {name}:{tag}", record.name);
    }
    Ok(())
}

/// Tells the person what happens, beside the output.
fn say(line: &str) {
    eprintln!("{line}");
}

/// Output that a person or a program reads afterwards.
fn tell(line: &str) {
    println!("{line}");
}

/// The workspace's folder.
fn workspace_folder() -> PathBuf {
    // Cargo sets it anew for every run; the checkout may have moved since the build.
    let now = std::env::var_os("CARGO_MANIFEST_DIR");
    let own = now.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}

/// Cargo's target folder.
fn target_folder() -> PathBuf {
    let chosen = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    workspace_folder().join(chosen.unwrap_or_else(|| "target".into()))
}
