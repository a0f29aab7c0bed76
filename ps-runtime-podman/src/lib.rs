//! Podman, through its own libpod API: the backend of `ps_core::runtime` for Podman 4.0 and newer, rootful and rootless.
//!
//! The one invariant: whatever an engine's version answers, an answer is either understood or an error of a documented
//! kind. Start reading at [`PodmanRuntime`].
//!
//! Two clients share the work. The crate `podman-api` does what it does well; a small direct client (`libpod.rs`, one
//! connection a request, path `/v4.0.0/libpod`) does the rest:
//!
//! | calls | through | why |
//! |---|---|---|
//! | ping, info | direct | the version stands in the headers; podman-api reads the version of the other API |
//! | create | podman-api writes the body, sent direct | its `LogConfig` is Docker's, so it cannot limit a log's size; ours is bounded and tells whether the request was sent |
//! | rename | podman-api | |
//! | list, inspect | direct | its closed types fail on other versions (`Entrypoint`, states); inspect always measures the layers |
//! | start, stop | direct | 204 and 304 are different outcomes; it makes 304 an error |
//! | kill, top | direct | 4.3 answers `top` of a stopped container with 200 and nothing |
//! | wait | direct | it throws the exit code away |
//! | update | direct | it has no such call; versions before 5.1 answer 201 and change nothing |
//! | remove | direct | it cannot send `timeout=0`, and Podman 5 would wait for the stop timeout |
//! | events, logs | direct | it parses each network chunk by itself, so a value that is cut in two fails |
//! | networks: all | podman-api | |
//! | images: inspect, tag, remove | podman-api | |
//! | images: build, import, load | direct | it holds the archive in memory, and a build sends the local path along |
//! | images: commit | direct | as settings it takes lines of a Dockerfile; what those cannot say, a build on top does |
//! | images: pull | direct, with its `RegistryAuth` | as events |
//! | a container's file | direct | streamed, so that the limit holds before everything is in memory |
//! | exec, attach, resize | podman-api | it upgrades the connection and separates the output |
//!
//! Traps that are gone round: `podman_api::Error` must not be cloned (it recurses for ever), `adjust_api_version` must not
//! be called (it takes the wrong API's version), and its `attach` cannot read Podman 5.0.x's inspect answer.
//!
//! Facts that a caller may want to know:
//! - An abandoned build ends when the step that runs has ended: Podman looks between steps whether the connection is still there.
//! - Naming only one of the limits `nofile` and `nproc` makes Podman use a constant for the other, not its configured default.
//! - After a failed start with a published port, Podman 4.3 keeps the port until the container is removed.
//! - The limit of `read_container_file` counts the archive: the file, rounded up, and about 2 KiB.
//! - A command prepared with `create_exec` can be started by the same [`PodmanRuntime`] or a clone of it only.

mod answers;
mod bridges;
mod call;
mod capabilities;
mod classify_error;
mod commit;
mod config;
mod document;
mod event_stream;
mod images;
mod libpod;
mod networks;
mod private_service;
mod probe;
mod progress;
mod remembered;
mod runtime;
mod terminals;
mod timestamps;
mod translate;

pub use config::CallLimits;
pub use private_service::{PrivateService, PrivateServiceSpec};
pub use probe::{Probe, probe};
pub use runtime::PodmanRuntime;
