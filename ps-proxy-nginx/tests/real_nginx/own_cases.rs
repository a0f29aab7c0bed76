//! An nginx of psctl's own: how it comes up, what it leaves, what it answers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ps_core::proxy::{Proxy, ProxyErrorKind, ProxyPresence, SiteChange};
use rustix::process::Signal;

use crate::app_server::AppServer;
use crate::client::{get, send};
use crate::ground::{Ground, free_port, serve, site};
use crate::{Case, case, tell};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case(
            "requests_go_to_the_app_of_their_host",
            requests_go_to_the_app_of_their_host,
        ),
        case(
            "an_app_without_web_answers_502_and_unknown_hosts_404",
            an_app_without_web_answers_502,
        ),
        case("a_removed_app_is_an_unknown_host", a_removed_app_is_an_unknown_host),
        case(
            "a_change_that_changes_nothing_reloads_nothing",
            a_change_that_changes_nothing_reloads_nothing,
        ),
        case(
            "an_nginx_that_was_killed_is_started_again",
            an_nginx_that_was_killed_is_started_again,
        ),
        case("its_files_are_its_owners_alone", its_files_are_its_owners_alone),
        case(
            "the_state_tells_where_everything_is",
            the_state_tells_where_everything_is,
        ),
        case(
            "a_unit_can_start_it_before_there_is_an_app",
            a_unit_can_start_it_before_there_is_an_app,
        ),
        case(
            "a_program_that_is_not_there_is_absent",
            a_program_that_is_not_there_is_absent,
        ),
        case("two_hundred_sites_are_one_change", two_hundred_sites_are_one_change),
        case("a_domain_of_any_length_is_served", a_domain_of_any_length_is_served),
    ]
}

async fn requests_go_to_the_app_of_their_host() {
    let ground = Ground::own();
    let (shop, blog) = (AppServer::named("shop").await, AppServer::named("blog").await);
    let changes = [
        serve("shop", &["shop.localhost", "*.shop.example.com"], &[shop.address]),
        serve("blog", &["blog.localhost"], &[blog.address]),
    ];
    ground.proxy().change_sites(&changes).await.unwrap();
    let port = ground.config.http_port;
    for (host, name) in [
        ("shop.localhost", "shop"),
        ("SHOP.localhost:8080", "shop"),
        ("a.shop.example.com", "shop"),
        ("blog.localhost", "blog"),
    ] {
        let answer = get(port, host, "/").await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, name), "{host}");
    }
    let sites = ground
        .proxy()
        .site_file(&"shop".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(fs::read_to_string(&sites.0).unwrap(), sites.1);
    assert!(sites.1.contains("server_name shop.localhost *.shop.example.com;"));
}

async fn an_app_without_web_answers_502() {
    let ground = Ground::own();
    let changes = [serve("shop", &["shop.localhost"], &[]), serve("quiet", &[], &[])];
    ground.proxy().change_sites(&changes).await.unwrap();
    let port = ground.config.http_port;
    let answer = get(port, "shop.localhost", "/").await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (502, "shop does not run."));
    for host in [
        "other.localhost",
        "shop.localhost.example.com",
        "127.0.0.1",
        "quiet.localhost",
    ] {
        assert_eq!(get(port, host, "/").await.unwrap().status, 404, "{host}");
    }
    assert_eq!(send(port, "GET / HTTP/1.0\r\n\r\n").await.unwrap().status, 404);
}

async fn a_removed_app_is_an_unknown_host() {
    let ground = Ground::own();
    let shop = AppServer::named("shop").await;
    let proxy = ground.proxy();
    proxy
        .change_sites(&[serve("shop", &["shop.localhost"], &[shop.address])])
        .await
        .unwrap();
    proxy
        .change_sites(&[SiteChange::Remove("shop".parse().unwrap())])
        .await
        .unwrap();
    assert_eq!(
        get(ground.config.http_port, "shop.localhost", "/")
            .await
            .unwrap()
            .status,
        404
    );
    assert_eq!(proxy.site_file(&"shop".parse().unwrap()).await.unwrap(), None);
    // What was never there is removed as well.
    proxy
        .change_sites(&[SiteChange::Remove("other".parse().unwrap())])
        .await
        .unwrap();
}

async fn a_change_that_changes_nothing_reloads_nothing() {
    let ground = Ground::own();
    let changes = [serve("shop", &["shop.localhost"], &[])];
    ground.proxy().change_sites(&changes).await.unwrap();
    let before = ground.generations();
    ground.proxy().change_sites(&changes).await.unwrap();
    assert_eq!(ground.generations(), before);
    ground
        .proxy()
        .change_sites(&[serve("shop", &["other.localhost"], &[])])
        .await
        .unwrap();
    assert_ne!(ground.generations(), before);
}

async fn an_nginx_that_was_killed_is_started_again() {
    let ground = Ground::own();
    let shop = AppServer::named("shop").await;
    let changes = [serve("shop", &["shop.localhost"], &[shop.address])];
    ground.proxy().change_sites(&changes).await.unwrap();
    ground.end_nginx(Signal::KILL);
    // The same files: that nobody answers is what has to be noticed.
    ground.proxy().change_sites(&changes).await.unwrap();
    assert_eq!(
        get(ground.config.http_port, "shop.localhost", "/").await.unwrap().body,
        "shop"
    );
}

async fn its_files_are_its_owners_alone() {
    let ground = Ground::own();
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap();
    let mut folders = vec![ground.nginx("")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o777;
            let is_by_nginx = path.ends_with("nginx.pid") || path.starts_with(ground.nginx("logs/error.log"));
            if metadata.is_dir() {
                assert_eq!(mode, 0o700, "{}", path.display());
                folders.push(path);
            } else if metadata.is_file() && !is_by_nginx {
                assert_eq!(mode, 0o600, "{}", path.display());
            }
        }
    }
}

async fn the_state_tells_where_everything_is() {
    let ground = Ground::own();
    let before = ground.proxy().state().await.unwrap();
    assert_eq!(
        (before.presence, before.includes_directory),
        (ProxyPresence::Ready, None)
    );
    assert!(!ground.nginx("").exists(), "looking makes nothing");
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap();
    let state = ground.proxy().state().await.unwrap();
    assert_eq!(state.includes_directory, Some(true));
    assert!(state.configuration.is_file() && state.directory.join("shop.conf").is_file());
    assert!(state.is_own && state.version.is_some() && state.http_port == ground.config.http_port);
}

async fn a_unit_can_start_it_before_there_is_an_app() {
    let ground = Ground::own();
    let proxy = ground.proxy();
    let configuration = proxy.write_own_configuration().await.unwrap();
    assert_eq!(configuration, proxy.own_configuration().unwrap());
    let mut unit = std::process::Command::new(proxy.program().unwrap());
    unit.arg("-c").arg(&configuration).args(["-g", "daemon off;"]);
    let mut unit = unit.spawn().unwrap();
    assert!(crate::ground::eventually(std::time::Duration::from_secs(5), || ground
        .pid()
        .is_some()));
    proxy
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap();
    assert_eq!(ground.pid().unwrap().unsigned_abs(), unit.id());
    assert_eq!(
        get(ground.config.http_port, "shop.localhost", "/")
            .await
            .unwrap()
            .status,
        502
    );
    ground.end_nginx(Signal::QUIT);
    assert!(unit.wait().unwrap().success());
}

async fn a_program_that_is_not_there_is_absent() {
    let mut ground = Ground::own();
    ground.config.program = Some(ground.path("no-nginx"));
    let error = ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Absent);
    assert_eq!(ground.proxy().state().await.unwrap().presence, ProxyPresence::Absent);
    assert!(!ground.nginx("").exists());
}

async fn two_hundred_sites_are_one_change() {
    let ground = Ground::own();
    let address = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, free_port());
    let all: Vec<SiteChange> = (0..200)
        .map(|number| {
            serve(
                &format!("app-{number}"),
                &[&format!("app-{number}.localhost")],
                &[address],
            )
        })
        .collect();
    for (what, changes) in [
        ("all new", &all[..]),
        ("nothing", &all[..]),
        ("one", &[serve("app-7", &["seven.localhost"], &[])]),
    ] {
        let begun = std::time::Instant::now();
        ground.proxy().change_sites(changes).await.unwrap();
        tell(&format!("200 sites, {what}: {} ms", begun.elapsed().as_millis()));
    }
    assert_eq!(
        get(ground.config.http_port, "seven.localhost", "/").await.unwrap().body,
        "app-7 does not run."
    );
    assert_eq!(
        get(ground.config.http_port, "app-7.localhost", "/")
            .await
            .unwrap()
            .status,
        404
    );
    assert_eq!(fs::read_dir(ground.nginx("sites/")).unwrap().count(), 200);
}

async fn a_domain_of_any_length_is_served() {
    let ground = Ground::own();
    let label = "a".repeat(63);
    let domain = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    assert_eq!(domain.len(), 253);
    ground
        .proxy()
        .change_sites(&[SiteChange::Serve(site("shop", &[&domain], &[]))])
        .await
        .unwrap();
    assert_eq!(get(ground.config.http_port, &domain, "/").await.unwrap().status, 502);
}
