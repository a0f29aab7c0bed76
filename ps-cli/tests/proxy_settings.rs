//! Settings of the proxy and domains, over fakes: what the proxy is asked for, and what the user is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

#[expect(dead_code, reason = "other tests use the rest")]
mod fake_adapters;

use std::sync::Arc;

use fake_adapters::FakePlace;
use ps_core::names::AppName;
use ps_core::testing::{FakeProxy, FakeProxyCall};

fn shop() -> AppName {
    "shop".parse().unwrap()
}

/// An app that a proxy serves.
fn served() -> (FakePlace, FakeProxy) {
    let proxy = FakeProxy::new();
    let mut place = FakePlace::new(&[("web", "serve --port $PORT")]);
    place.proxy = Arc::new(proxy.clone());
    place.run(&["deploy", "shop", "."]);
    assert!(proxy.site(&shop()).is_some());
    (place, proxy)
}

/// The changes and leavings that a command asks for, in order: `remove`, `leave`, `serve`.
fn asked(place: &FakePlace, proxy: &FakeProxy, words: &[&str]) -> Vec<&'static str> {
    let before = proxy.calls().len();
    place.run(words);
    let calls = proxy.calls().split_off(before).into_iter();
    let words = calls.filter_map(|call| match call {
        FakeProxyCall::Change(changes) => Some(match changes.as_slice() {
            [ps_core::proxy::SiteChange::Remove(_)] => "remove",
            _ => "serve",
        }),
        FakeProxyCall::Leave => Some("leave"),
        FakeProxyCall::State | FakeProxyCall::SiteFile(_) => None,
    });
    words.collect()
}

#[test]
fn a_place_is_left_before_another_one_is_used() {
    let (place, proxy) = served();
    for setting in [["include-directory", "/etc/nginx/more"], ["nginx-mode", "own"]] {
        let words = ["proxy:set", "--global", setting[0], setting[1]];
        assert_eq!(asked(&place, &proxy, &words), ["remove", "leave", "serve"], "{words:?}");
    }
    assert!(
        asked(
            &place,
            &proxy,
            &["--dry-run", "proxy:set", "--global", "nginx-mode", "system"]
        )
        .is_empty()
    );
    let words = ["proxy:set", "--global", "http-port", "9090"];
    assert_eq!(asked(&place, &proxy, &words), ["serve"]);
}

#[test]
fn a_change_of_places_that_was_killed_is_completed_by_the_next() {
    let (place, proxy) = served();
    place.run(&["proxy:clear-config", "--all"]);
    let words = ["proxy:set", "--global", "include-directory", "/etc/nginx/more"];
    assert_eq!(asked(&place, &proxy, &words), ["leave", "serve"]);
}

#[test]
fn nginx_after_none_serves_all_apps_again() {
    let (place, proxy) = served();
    place.run(&["proxy:set", "--global", "none"]);
    assert!(proxy.sites().is_empty());
    place.run(&["proxy:set", "--global", "nginx"]);
    assert!(proxy.site(&shop()).is_some());
}
