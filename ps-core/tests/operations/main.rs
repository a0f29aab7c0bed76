//! The use cases on the in-memory fakes: deploys, scales, restarts, stops and what interrupts them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bench;
mod checks;
mod checks_reach;
mod checks_run;
mod crash_loop;
mod deploy;
mod faults;
mod image_archives;
mod image_files;
mod lifecycle;
mod manifest;
mod phases;
mod planned_text;
mod readiness;
mod rollback;
mod runs;
mod sources;
mod stop_first;
mod strangers;
