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
mod links;
mod listener;
mod listener_gaps;
mod listener_redeploys;
mod listener_retires;
mod listener_routes;
mod manifest;
mod phases;
mod planned_text;
mod proxy_faults;
mod quarantine;
mod readiness;
mod restore;
mod restore_again;
mod restore_ports;
mod rollback;
mod runs;
mod sources;
mod stop_first;
mod strangers;
mod traffic;
mod trail;
