//! Every method of the Docker backend once, against a real engine: `$PSCTL_TEST_DOCKER`, else `/var/run/docker.sock`.
//!
//! Invariant: without an engine each case shows as ignored with the reason in its name, or fails when `PS_REQUIRE_ENGINES` is
//! set; and a case leaves nothing behind.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod bench;
mod containers;
mod images;
mod networks;
mod terminals;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use ps_runtime_docker::{CallLimits, DockerRuntime};
use tokio::runtime::Runtime;

use bench::Bench;

type Case = (
    &'static str,
    fn(Bench) -> futures_util::future::LocalBoxFuture<'static, ()>,
);

const CASES: &[Case] = &[
    ("a_container_is_what_its_spec_says", |bench| {
        Box::pin(containers::observing(bench))
    }),
    ("containers_and_their_processes_are_listed", |bench| {
        Box::pin(containers::listing(bench))
    }),
    ("a_live_container_takes_a_policy_and_a_name", |bench| {
        Box::pin(containers::changing(bench))
    }),
    ("a_container_ends_once", |bench| Box::pin(containers::ending(bench))),
    ("refused_creates_and_starts_have_their_kind", |bench| {
        Box::pin(containers::refusals(bench))
    }),
    ("ports_and_addresses_that_are_taken_say_so", |bench| {
        Box::pin(containers::taken(bench))
    }),
    ("logs_are_read_and_followed", |bench| Box::pin(containers::logs(bench))),
    ("events_of_labelled_containers_are_replayed", |bench| {
        Box::pin(containers::events(bench))
    }),
    ("networks_are_made_once_and_removed_once", |bench| {
        Box::pin(networks::networks(bench))
    }),
    ("images_are_imported_tagged_and_removed", |bench| {
        Box::pin(images::import(bench))
    }),
    ("steps_may_mount_what_only_buildkit_mounts", |bench| {
        Box::pin(images::mounts(bench))
    }),
    ("newer_dockerfiles_build_or_say_what_mends_it", |bench| {
        Box::pin(images::newer_syntax(bench))
    }),
    ("builds_stream_their_lines_and_end_with_an_id_or_the_message", |bench| {
        Box::pin(images::build(bench))
    }),
    ("a_dropped_build_stops", |bench| Box::pin(images::dropped_build(bench))),
    ("a_pull_that_fails_shows_the_message", |bench| {
        Box::pin(images::pull(bench))
    }),
    ("files_are_read_up_to_the_limit", |bench| Box::pin(images::files(bench))),
    ("a_command_gets_input_and_has_an_exit_code", |bench| {
        Box::pin(terminals::exec(bench))
    }),
    ("a_command_with_a_terminal_has_a_size", |bench| {
        Box::pin(terminals::exec_terminal(bench))
    }),
    ("an_attached_container_misses_nothing", |bench| {
        Box::pin(terminals::attach(bench))
    }),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let address = std::env::var("PSCTL_TEST_DOCKER").unwrap_or_else(|_| "/var/run/docker.sock".to_owned());
    let address = address.parse().expect("PSCTL_TEST_DOCKER is an address");
    let engine = runtime.block_on(DockerRuntime::connect(&address, CallLimits::default()));
    let required = std::env::var_os("PS_REQUIRE_ENGINES").is_some();
    let trials = CASES.iter().map(|(name, case)| match &engine {
        Ok(docker) => {
            let (docker, runtime) = (docker.clone(), runtime.clone());
            Trial::test(*name, move || runtime.block_on(bench::run(docker, name, *case)))
        }
        Err(error) => {
            let reason = format!("{error}: {:?}", error.kind);
            let absent = Trial::test(format!("{name} ({reason})"), move || Err(Failed::from(reason)));
            absent.with_ignored_flag(!required)
        }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
