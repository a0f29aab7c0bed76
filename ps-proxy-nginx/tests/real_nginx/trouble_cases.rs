//! Reloads that fail, processes that are killed, callers that meet.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use ps_core::names::OwnerToken;
use ps_core::proxy::{Proxy, ProxyErrorKind, SiteChange};
use ps_proxy_nginx::{NginxConfig, NginxMode, NginxProxy};
use rustix::process::{Pid, Signal, kill_process};

use crate::app_server::AppServer;
use crate::client::get;
use crate::ground::{Ground, eventually, free_port, serve};
use crate::{Case, case};

/// Names the change that this program makes instead of running cases, to be killed while it does.
pub(crate) const CHANGE: &str = "PSCTL_TEST_NGINX_CHANGE";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case(
            "a_reload_that_fails_puts_the_old_files_back",
            a_reload_that_fails_puts_the_old_files_back,
        ),
        case(
            "a_reload_that_does_nothing_is_noticed",
            a_reload_that_does_nothing_is_noticed,
        ),
        case(
            "an_nginx_that_does_not_answer_is_an_unknown_outcome",
            an_nginx_that_does_not_answer,
        ),
        case("a_port_of_somebody_else_is_said", a_port_of_somebody_else_is_said),
        case(
            "a_new_port_that_is_taken_leaves_the_old_one",
            a_new_port_that_is_taken_leaves_the_old_one,
        ),
        case("what_a_killed_call_left_is_healed", what_a_killed_call_left_is_healed),
        case(
            "a_call_that_is_killed_before_its_reload_changes_nothing_for_others",
            a_call_that_is_killed,
        ),
        case(
            "workers_whose_master_was_killed_are_replaced",
            workers_whose_master_was_killed_are_replaced,
        ),
        case(
            "callers_that_meet_go_one_after_the_other",
            callers_that_meet_go_one_after_the_other,
        ),
        case(
            "a_call_that_nobody_waits_for_is_whole",
            a_call_that_nobody_waits_for_is_whole,
        ),
        case(
            "a_failed_number_is_never_used_again",
            a_failed_number_is_never_used_again,
        ),
    ]
}

/// A ground where `shop` is served by an app of that name.
async fn with_shop(ground: &Ground) -> AppServer {
    let shop = AppServer::named("shop").await;
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[shop.address])])
        .await
        .unwrap();
    shop
}

async fn body(ground: &Ground, host: &str) -> String {
    get(ground.config.http_port, host, "/").await.unwrap().body
}

async fn a_reload_that_fails_puts_the_old_files_back() {
    for mut ground in [Ground::own(), Ground::system()] {
        if ground.config.mode == NginxMode::System {
            ground.start();
        }
        let _shop = with_shop(&ground).await;
        ground.config.reload_command = Some(vec!["false".to_owned()]);
        let error = ground
            .proxy()
            .change_sites(&[serve("shop", &["shop.localhost"], &[])])
            .await
            .unwrap_err();
        assert_eq!(error.kind, ProxyErrorKind::Failed, "{error}");
        assert!(error.message.contains("`false` ended with 1"), "{error}");
        let (_, text) = ground
            .proxy()
            .site_file(&"shop".parse().unwrap())
            .await
            .unwrap()
            .unwrap();
        assert!(text.contains("proxy_pass"));
        assert_eq!(body(&ground, "shop.localhost").await, "shop");
        ground.config.reload_command = None;
        ground
            .proxy()
            .change_sites(&[serve("shop", &["shop.localhost"], &[])])
            .await
            .unwrap();
        assert_eq!(body(&ground, "shop.localhost").await, "shop does not run.");
    }
}

async fn a_reload_that_does_nothing_is_noticed() {
    let mut ground = Ground::own();
    let _shop = with_shop(&ground).await;
    ground.config.reload_command = Some(vec!["true".to_owned()]);
    let proxy = ground.proxy().with_patience(Duration::from_millis(300));
    let error = proxy
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Refused, "{error}");
    assert_eq!(body(&ground, "shop.localhost").await, "shop");
    assert!(
        fs::read_to_string(ground.nginx("sites/shop.conf"))
            .unwrap()
            .contains("proxy_pass")
    );
    // The files have a number that is not answered: even a change of nothing has to be taken in.
    ground.config.reload_command = None;
    ground.proxy().change_sites(&[]).await.unwrap();
    assert_eq!(body(&ground, "shop.localhost").await, "shop");
}

fn signal_all(ground: &Ground, signal: Signal) {
    let pid = ground.pid().unwrap();
    let workers = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    for process in workers
        .split_whitespace()
        .map(|worker| worker.parse().unwrap())
        .chain([pid])
    {
        kill_process(Pid::from_raw(process).unwrap(), signal).unwrap();
    }
}

async fn an_nginx_that_does_not_answer() {
    let ground = Ground::own();
    let _shop = with_shop(&ground).await;
    signal_all(&ground, Signal::STOP);
    let proxy = ground.proxy().with_patience(Duration::from_millis(300));
    let error = proxy
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap_err();
    signal_all(&ground, Signal::CONT);
    assert_eq!(error.kind, ProxyErrorKind::OutcomeUnknown, "{error}");
    assert!(
        fs::read_to_string(ground.nginx("sites/shop.conf"))
            .unwrap()
            .contains("proxy_pass")
    );
    ground.proxy().change_sites(&[]).await.unwrap();
    assert_eq!(body(&ground, "shop.localhost").await, "shop");
}

async fn a_port_of_somebody_else_is_said() {
    let ground = Ground::own();
    let somebody = TcpListener::bind(("0.0.0.0", ground.config.http_port)).unwrap();
    let error = ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Down, "{error}");
    assert!(error.message.contains("Address already in use"), "{error}");
    assert!(!ground.nginx("serving.conf").exists());
    drop(somebody);
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap();
}

async fn a_new_port_that_is_taken_leaves_the_old_one() {
    let mut ground = Ground::own();
    let _shop = with_shop(&ground).await;
    let old = ground.config.http_port;
    ground.config.http_port = free_port();
    let somebody = TcpListener::bind(("0.0.0.0", ground.config.http_port)).unwrap();
    let error = ground
        .proxy()
        .change_sites(&[serve("blog", &["blog.localhost"], &[])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Refused, "{error}");
    assert!(error.message.contains("Address already in use"), "{error}");
    assert_eq!(get(old, "shop.localhost", "/").await.unwrap().body, "shop");
    drop(somebody);
    ground
        .proxy()
        .change_sites(&[serve("blog", &["blog.localhost"], &[])])
        .await
        .unwrap();
    assert_eq!(body(&ground, "blog.localhost").await, "blog does not run.");
}

async fn what_a_killed_call_left_is_healed() {
    let ground = Ground::own();
    let _shop = with_shop(&ground).await;
    let named = fs::read_to_string(ground.nginx("serving.conf")).unwrap();
    let last: u64 = fs::read_to_string(ground.nginx("number"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    // A generation that was half written, a test tree, a file that never got its name.
    let half = ground.nginx(&format!("generations/{}/apps", last + 1));
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("shop.conf"), "half of a fi").unwrap();
    fs::create_dir(ground.nginx("test")).unwrap();
    fs::write(ground.nginx("test/psctl-test.conf"), "").unwrap();
    fs::write(ground.nginx(".serving.conf.new"), "inclu").unwrap();
    fs::write(ground.nginx(".number.new"), "").unwrap();
    assert_eq!(body(&ground, "shop.localhost").await, "shop");
    ground
        .proxy()
        .change_sites(&[serve("blog", &["blog.localhost"], &[])])
        .await
        .unwrap();
    assert_eq!(body(&ground, "shop.localhost").await, "shop");
    assert_eq!(body(&ground, "blog.localhost").await, "blog does not run.");
    assert_ne!(fs::read_to_string(ground.nginx("serving.conf")).unwrap(), named);
    assert!(!half.exists() && !ground.nginx("test").exists() && !ground.nginx(".serving.conf.new").exists());
    assert_eq!(ground.generations().len(), 2);
}

/// Serves an app without containers, with a reload that takes for ever.
pub(crate) fn make_change(wanted: &str) {
    let words: Vec<&str> = wanted.split(' ').collect();
    let [state, owner, port, domain] = words.as_slice() else {
        return;
    };
    let mut config = NginxConfig::own(state.into(), OwnerToken::new(*owner).unwrap());
    config.http_port = port.parse().unwrap();
    config.reload_command = Some(vec!["sleep".to_owned(), "10".to_owned()]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _ = runtime.block_on(NginxProxy::new(config).change_sites(&[serve("shop", &[domain], &[])]));
}

async fn a_call_that_is_killed() {
    let ground = Ground::own();
    let _shop = with_shop(&ground).await;
    let before = fs::read_to_string(ground.nginx("serving.conf")).unwrap();
    let state = ground.config.state_directory.display();
    let wanted = format!(
        "{state} {} {} new.localhost",
        ground.config.owner.as_str(),
        ground.config.http_port
    );
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(CHANGE, wanted)
        .spawn()
        .unwrap();
    let is_swapped = || fs::read_to_string(ground.nginx("serving.conf")).unwrap() != before;
    assert!(eventually(Duration::from_secs(20), is_swapped));
    child.kill().unwrap();
    child.wait().unwrap();
    // What runs was not told: the change of another app does not bring in what was given up.
    assert_eq!(body(&ground, "shop.localhost").await, "shop");
    ground
        .proxy()
        .change_sites(&[serve("blog", &["blog.localhost"], &[])])
        .await
        .unwrap();
    assert_eq!(body(&ground, "shop.localhost").await, "shop");
    assert_eq!(body(&ground, "new.localhost").await, "No app answers for this host.");
    assert_eq!(body(&ground, "blog.localhost").await, "blog does not run.");
}

async fn workers_whose_master_was_killed_are_replaced() {
    let ground = Ground::own();
    let _shop = with_shop(&ground).await;
    let master = ground.pid().unwrap();
    kill_process(Pid::from_raw(master).unwrap(), Signal::KILL).unwrap();
    assert!(eventually(Duration::from_secs(5), || fs::read(format!(
        "/proc/{master}/cmdline"
    ))
    .unwrap_or_default()
    .is_empty()));
    assert_eq!(body(&ground, "shop.localhost").await, "shop", "a worker goes on");
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap();
    assert_eq!(body(&ground, "shop.localhost").await, "shop does not run.");
    assert_ne!(ground.pid().unwrap(), master);
}

async fn callers_that_meet_go_one_after_the_other() {
    let ground = Ground::own();
    let proxies: Vec<NginxProxy> = (0..8).map(|_| ground.proxy()).collect();
    let names: Vec<String> = (0..8).map(|number| format!("app-{number}")).collect();
    let domains: Vec<String> = names.iter().map(|name| format!("{name}.localhost")).collect();
    let changes: Vec<[SiteChange; 1]> = names
        .iter()
        .zip(&domains)
        .map(|(name, domain)| [serve(name, &[domain], &[])])
        .collect();
    let calls = proxies
        .iter()
        .zip(&changes)
        .map(|(proxy, change)| proxy.change_sites(change));
    for outcome in join_all(calls).await {
        outcome.unwrap();
    }
    for (name, domain) in names.iter().zip(&domains) {
        assert_eq!(body(&ground, domain).await, format!("{name} does not run."));
    }
}

async fn a_call_that_nobody_waits_for_is_whole() {
    let ground = Ground::own();
    let _shop = with_shop(&ground).await;
    for round in 0..12_u64 {
        let domain = format!("round-{round}.localhost");
        let change = [serve("shop", &["shop.localhost", &domain], &[])];
        let proxy = ground.proxy();
        let _ = tokio::time::timeout(Duration::from_millis(round * 8), proxy.change_sites(&change)).await;
        // Waits for whoever still works.
        ground.proxy().change_sites(&[]).await.unwrap();
        let text = fs::read_to_string(ground.nginx("sites/shop.conf")).unwrap();
        let is_served = get(ground.config.http_port, &domain, "/").await.unwrap().status != 404;
        assert_eq!(text.contains(&domain), is_served, "round {round}");
    }
}

async fn a_failed_number_is_never_used_again() {
    let mut ground = Ground::own();
    let _shop = with_shop(&ground).await;
    let number = |ground: &Ground| {
        fs::read_to_string(ground.nginx("number"))
            .unwrap()
            .trim()
            .parse::<u64>()
            .unwrap()
    };
    let before = number(&ground);
    ground.config.reload_command = Some(vec!["false".to_owned()]);
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap_err();
    let after = number(&ground);
    assert!(after > before);
    ground.config.reload_command = None;
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap();
    assert!(number(&ground) > after);
    fs::remove_file(ground.nginx("number")).unwrap();
    ground
        .proxy()
        .change_sites(&[serve("shop", &["new.localhost"], &[])])
        .await
        .unwrap();
    assert!(number(&ground) > after + 1);
}
