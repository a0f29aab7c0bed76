//! The scenarios, by subject. Each function is one case; its name is what it shows.

mod all_or_nothing;
mod app_json;
mod checks;
mod deploy_commands;
mod doctor;
mod dry_run;
mod embedded;
mod errors;
mod examples;
mod image_archives;
mod images;
mod inside;
mod interrupted;
mod life;
mod links;
mod listener;
mod listening;
mod releases;
mod restore;
mod rollback;
mod runs;
mod scale;
mod secrets;
mod sources;
mod stop_first;
mod traffic;
mod traffic_client;
mod wandering;

use super::Case;

/// What a web process of the base image is.
const WEB: &str = "web: httpd -f -p $PORT\n";

/// A web process and a worker.
const WEB_AND_WORKER: &str = "web: httpd -f -p $PORT\nworker: sleep 3600\n";

/// A list of cases out of functions.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        vec![$($crate::end_to_end::Case { name: stringify!($name), body: $name }),*]
    };
}
use cases;

pub(super) fn all() -> Vec<Case> {
    [
        interrupted::cases(),
        secrets::cases(),
        scale::cases(),
        life::cases(),
        links::cases(),
        listener::cases(),
        releases::cases(),
        all_or_nothing::cases(),
        checks::cases(),
        sources::cases(),
        inside::cases(),
        rollback::cases(),
        restore::cases(),
        runs::cases(),
        dry_run::cases(),
        errors::cases(),
        images::cases(),
        image_archives::cases(),
        examples::cases(),
        deploy_commands::cases(),
        stop_first::cases(),
        app_json::cases(),
        traffic::cases(),
        wandering::cases(),
        doctor::cases(),
    ]
    .concat()
}
