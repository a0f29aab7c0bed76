//! What the commands say of an app: the commands of its current release.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::time::SystemTime;

use ps_core::config::Config;
use ps_core::manifest::Manifest;
use ps_core::release::{Processes, Release, ReleaseImage, ReleaseNumber, Source};
use ps_core::runtime::{ImageDetail, ImageId};
use ps_core::store::{Store, StoreChange};
use ps_store_sqlite::SqliteStore;

use super::{COMMANDS, document};
use crate::check;
use crate::in_process::Place;

/// An app with a release of these processes, and a config value that is also a word of a command.
fn place(processes: Processes) -> Place {
    let place = Place::new().with_app("shop");
    let mut config = Config::default();
    config.set("MODE", "production").unwrap();
    let release = Release {
        number: ReleaseNumber::FIRST,
        image: ReleaseImage {
            id: ImageId("sha256:1".into()),
            name: "psctl/shop:v1".into(),
            detail: ImageDetail::default(),
        },
        processes,
        manifest: Manifest::default(),
        config,
        source: Source::Image("x".into()),
        cause: "deploy".into(),
        by: None,
        revision: None,
        created_at: SystemTime::UNIX_EPOCH,
    };
    let record = StoreChange::RecordRelease {
        app: "shop".parse().unwrap(),
        release: Box::new(release),
    };
    let store = SqliteStore::open(&place.state()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.apply(&[record])).unwrap();
    place
}

fn commands() -> Processes {
    let commands = [("web", "serve --mode production # $PORT"), ("worker", "work")];
    let commands = commands.map(|(name, command)| (name.parse().unwrap(), command.to_owned()));
    Processes::Procfile(commands.into())
}

#[test]
fn the_commands_of_the_current_release_are_shown_as_they_are() {
    let place = place(commands());
    check(
        &place.run(&["procfile:check", "shop"]),
        0,
        "valid procfile detected: web, worker\n",
        "",
    );
    check(&place.run(&["procfile:list", "shop"]), 0, "web\nworker\n", "");
    let shown = "web: serve --mode production # $PORT\nworker: work\n";
    check(&place.run(&["procfile:show", "shop"]), 0, shown, "");
    let run = place.run(&["procfile:show", "shop", "-p", "worker", "--format", "json"]);
    let process = serde_json::json!({"name": "worker", "command": "work", "line": null});
    assert_eq!(document(&run)["processes"], serde_json::json!([process]));
    assert_eq!(place.run(&["procfile:show", "shop", "-p", "wroker"]).code, 2);
}

#[test]
fn what_is_both_is_the_file_and_a_directory_without_a_procfile_is_not() {
    let place = place(commands());
    place.write("shop/Dockerfile", b"FROM x\n");
    check(&place.run(&["procfile:list", "shop"]), 0, "web\nworker\n", "");
    place.write("shop/Procfile", b"clock: tick\n");
    check(&place.run(&["procfile:list", "shop"]), 0, "clock\n", "");
}

#[test]
fn an_app_without_commands_says_why() {
    let image = place(Processes::ImageDefault);
    let empty = Place::new().with_app("shop");
    for command in COMMANDS {
        let err = "error: shop v1 has no Procfile\n\nhint: its web containers run the image's own command\n";
        check(&image.run(&[command, "shop"]), 1, "", err);
        let run = empty.run(&[command, "shop"]);
        assert!(
            run.code == 1 && run.err.starts_with("error: shop was never deployed\n"),
            "{}",
            run.err
        );
    }
}

#[test]
fn an_absent_app_is_20_and_says_that_there_is_no_such_file_either() {
    let place = Place::new();
    for command in COMMANDS {
        let run = place.run(&[command, "shop"]);
        assert_eq!((run.code, run.out.as_str()), (20, ""));
        assert!(run.err.starts_with("error: there is no app shop\n"), "{}", run.err);
        assert!(run.err.ends_with("hint: there is no file shop either\n"), "{}", run.err);
    }
    assert!(place.is_untouched());
}
