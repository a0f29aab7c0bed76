//! The system's nginx, beside Debian's default site.

use std::fs;
use std::time::Duration;

use ps_core::proxy::{Proxy, ProxyErrorKind, ProxyPresence, SiteChange};
use ps_proxy_nginx::{NginxConfig, NginxMode, NginxProxy};
use rustix::process::Signal;

use crate::app_server::AppServer;
use crate::client::get;
use crate::ground::{Ground, eventually, serve};
use crate::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case(
            "apps_are_served_beside_the_default_site",
            apps_are_served_beside_the_default_site,
        ),
        case(
            "this_systems_own_configuration_takes_apps_in",
            this_systems_own_configuration_takes_apps_in,
        ),
        case("an_nginx_that_does_not_run_is_down", an_nginx_that_does_not_run_is_down),
        case(
            "an_nginx_that_ends_while_a_change_waits_is_down",
            an_nginx_that_ends_while_a_change_waits_is_down,
        ),
        case(
            "an_app_can_be_taken_out_while_nginx_is_down",
            an_app_can_be_taken_out_while_nginx_is_down,
        ),
        case(
            "a_directory_that_is_not_taken_in_is_said",
            a_directory_that_is_not_taken_in_is_said,
        ),
        case(
            "a_broken_system_configuration_is_named_by_its_own_files",
            a_broken_system_configuration_is_named,
        ),
        case(
            "a_domain_of_another_server_is_refused",
            a_domain_of_another_server_is_refused,
        ),
        case("long_domains_get_room_when_nobody_else_gives_it", long_domains_get_room),
        case(
            "long_domains_without_room_are_refused_with_a_hint",
            long_domains_without_room_are_refused,
        ),
        case(
            "files_that_include_files_are_followed",
            files_that_include_files_are_followed,
        ),
        case(
            "a_first_change_that_fails_leaves_nothing",
            a_first_change_that_fails_leaves_nothing,
        ),
        case(
            "a_state_directory_that_is_gone_does_not_stop_nginx",
            a_state_directory_that_is_gone,
        ),
        case(
            "another_directory_can_be_used_once_the_old_one_is_left",
            another_directory_once_the_old_one_is_left,
        ),
        case(
            "a_directory_that_cannot_be_left_is_left_the_next_time",
            a_directory_that_cannot_be_left,
        ),
    ]
}

async fn apps_are_served_beside_the_default_site() {
    let ground = Ground::system();
    ground.start();
    let port = ground.config.http_port;
    assert_eq!(
        get(port, "other.localhost", "/").await.unwrap().body,
        "the default site"
    );
    let shop = AppServer::named("shop").await;
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost", "*.example.com"], &[shop.address])])
        .await
        .unwrap();
    for host in ["shop.localhost", "a.example.com"] {
        assert_eq!(get(port, host, "/").await.unwrap().body, "shop", "{host}");
    }
    for host in ["other.localhost", "127.0.0.1"] {
        assert_eq!(get(port, host, "/").await.unwrap().status, 404, "{host}");
    }
    let state = ground.proxy().state().await.unwrap();
    assert_eq!(
        (state.presence, state.includes_directory),
        (ProxyPresence::Ready, Some(true))
    );
    assert_eq!(state.configuration, ground.path("etc/nginx.conf"));
    assert!(!ground.nginx("test").exists() && !ground.path("etc/nginx.pid").exists());
    let names = fs::read_dir(ground.path("etc/conf.d")).unwrap();
    let names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, [format!("psctl-{}.conf", &ground.config.owner.as_str()[..8])]);
}

async fn this_systems_own_configuration_takes_apps_in() {
    let ground = Ground::this_system();
    ground.start();
    let shop = AppServer::named("shop").await;
    let change = [serve("shop", &["shop.localhost"], &[shop.address])];
    ground.proxy().change_sites(&change).await.unwrap();
    let port = ground.config.http_port;
    assert_eq!(get(port, "shop.localhost", "/").await.unwrap().body, "shop");
    assert_eq!(get(port, "other.localhost", "/").await.unwrap().status, 404);
}

async fn an_nginx_that_does_not_run_is_down() {
    let ground = Ground::system();
    assert_eq!(ground.proxy().state().await.unwrap().presence, ProxyPresence::Down);
    let shop = AppServer::named("shop").await;
    let serves = [serve("shop", &["shop.localhost"], &[shop.address])];
    let error = ground.proxy().change_sites(&serves).await.unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Down);
    assert!(error.hint.unwrap().contains("nginx"));
    assert!(!ground.nginx("").exists());
    ground.start();
    ground.proxy().change_sites(&serves).await.unwrap();
    ground.end_nginx(Signal::QUIT);
    let error = ground
        .proxy()
        .change_sites(&[serve("shop", &["new.localhost"], &[shop.address])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Down);
}

async fn an_nginx_that_ends_while_a_change_waits_is_down() {
    let ground = Ground::system();
    ground.start();
    let own = NginxConfig {
        mode: NginxMode::Own,
        ..ground.config.clone()
    };
    let shop = AppServer::named("shop").await;
    let serves = |domain| [serve("shop", &[domain], &[shop.address])];
    ground.proxy().change_sites(&serves("shop.localhost")).await.unwrap();
    // What a former own nginx left could be started by mistake.
    NginxProxy::new(own).write_own_configuration().await.unwrap();
    let lock = fs::File::open(ground.nginx("lock")).unwrap();
    lock.lock().unwrap();
    // It is made again by the change, just before that waits for the lock.
    fs::remove_dir_all(ground.nginx("temp")).unwrap();
    let (proxy, changes) = (ground.proxy(), serves("new.localhost"));
    let waiting = tokio::spawn(async move { proxy.change_sites(&changes).await });
    let folder = ground.nginx("temp");
    let waits = move || eventually(Duration::from_secs(10), || folder.exists());
    assert!(tokio::task::spawn_blocking(waits).await.unwrap());
    ground.end_nginx(Signal::QUIT);
    drop(lock);
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Down, "{error}");
    assert!(error.hint.unwrap().contains("nginx"));
    assert!(get(ground.config.http_port, "shop.localhost", "/").await.is_err());
    assert!(!ground.nginx("nginx.pid").exists());
}

async fn an_app_can_be_taken_out_while_nginx_is_down() {
    let ground = Ground::system();
    ground.start();
    let (shop, blog) = (AppServer::named("shop").await, AppServer::named("blog").await);
    let serves = [
        serve("shop", &["shop.localhost"], &[shop.address]),
        serve("blog", &["blog.localhost"], &[blog.address]),
    ];
    ground.proxy().change_sites(&serves).await.unwrap();
    ground.end_nginx(Signal::QUIT);
    let nobody = [
        serve("shop", &["shop.localhost"], &[]),
        SiteChange::Remove("blog".parse().unwrap()),
    ];
    ground.proxy().change_sites(&nobody).await.unwrap();
    ground.start();
    let port = ground.config.http_port;
    assert_eq!(get(port, "shop.localhost", "/").await.unwrap().status, 502);
    assert_eq!(get(port, "blog.localhost", "/").await.unwrap().status, 404);
}

async fn a_directory_that_is_not_taken_in_is_said() {
    let ground = Ground::system();
    let main = fs::read_to_string(ground.path("etc/nginx.conf")).unwrap();
    ground.write("etc/nginx.conf", &main.replace("conf.d/*.conf", "conf.d/*.http"));
    ground.start();
    let error = ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Refused);
    assert!(error.message.contains("does not take in"), "{error}");
    assert!(error.hint.unwrap().contains("conf.d/*.conf;"));
}

async fn a_broken_system_configuration_is_named() {
    let ground = Ground::system();
    ground.start();
    ground.write("etc/sites-enabled/other", "server {\n  bananas on;\n}\n");
    let error = ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Refused);
    assert!(error.message.contains("sites-enabled/other:2"), "{error}");
    assert_eq!(
        get(ground.config.http_port, "shop.localhost", "/").await.unwrap().body,
        "the default site"
    );
    // A line of the main configuration keeps its number, though files are named instead of patterns.
    fs::remove_file(ground.path("etc/sites-enabled/other")).unwrap();
    let main = fs::read_to_string(ground.path("etc/nginx.conf")).unwrap();
    let end = main.trim_end().strip_suffix('}').unwrap();
    ground.write("etc/nginx.conf", &format!("{end}\tbananas on;\n}}\n"));
    let line = end.lines().count() + 1;
    let error = ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap_err();
    assert!(error.message.contains(&format!("etc/nginx.conf:{line}")), "{error}");
}

async fn a_domain_of_another_server_is_refused() {
    let ground = Ground::system();
    let port = ground.config.http_port;
    ground.write(
        "etc/sites-enabled/other",
        &format!("server {{ listen {port}; server_name taken.example.com; return 200 \"theirs\\n\"; }}"),
    );
    ground.start();
    let error = ground
        .proxy()
        .change_sites(&[serve("shop", &["taken.example.com"], &[])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Refused);
    assert!(error.message.contains("taken.example.com of shop"), "{error}");
    assert_eq!(get(port, "taken.example.com", "/").await.unwrap().body, "theirs");
    ground
        .proxy()
        .change_sites(&[serve("shop", &["free.example.com"], &[])])
        .await
        .unwrap();
    assert_eq!(get(port, "taken.example.com", "/").await.unwrap().body, "theirs");
}

fn long_domain() -> String {
    format!("{}.{}.example.com", "a".repeat(63), "b".repeat(63))
}

async fn long_domains_get_room() {
    let ground = Ground::system();
    ground.start();
    let domain = long_domain();
    ground
        .proxy()
        .change_sites(&[serve("shop", &[&domain], &[])])
        .await
        .unwrap();
    assert_eq!(get(ground.config.http_port, &domain, "/").await.unwrap().status, 502);
    // Somebody sets it later: psctl's own line goes with the next change.
    let main = fs::read_to_string(ground.path("etc/nginx.conf")).unwrap();
    ground.write(
        "etc/nginx.conf",
        &main.replace("gzip on;", "gzip on; server_names_hash_bucket_size 1024;"),
    );
    ground
        .proxy()
        .change_sites(&[serve("blog", &["blog.localhost"], &[])])
        .await
        .unwrap();
    assert_eq!(
        get(ground.config.http_port, "blog.localhost", "/")
            .await
            .unwrap()
            .status,
        502
    );
}

async fn long_domains_without_room_are_refused() {
    let ground = Ground::system();
    let main = fs::read_to_string(ground.path("etc/nginx.conf")).unwrap();
    ground.write(
        "etc/nginx.conf",
        &main.replace("gzip on;", "gzip on; server_names_hash_bucket_size 64;"),
    );
    ground.start();
    let error = ground
        .proxy()
        .change_sites(&[serve("shop", &[&long_domain()], &[])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Refused);
    assert!(error.hint.unwrap().contains("server_names_hash_bucket_size"));
}

async fn files_that_include_files_are_followed() {
    let ground = Ground::system();
    let main = fs::read_to_string(ground.path("etc/nginx.conf")).unwrap();
    let pattern = format!("{}/*.conf", ground.config.include_directory.display());
    ground.write("etc/more.conf", &format!("# {pattern}\ninclude conf.d/*.conf;\n"));
    ground.write("etc/nginx.conf", &main.replace(&pattern, "more.conf"));
    ground.start();
    let shop = AppServer::named("shop").await;
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[shop.address])])
        .await
        .unwrap();
    assert_eq!(
        get(ground.config.http_port, "shop.localhost", "/").await.unwrap().body,
        "shop"
    );
    assert_eq!(ground.proxy().state().await.unwrap().includes_directory, Some(true));
}

async fn a_first_change_that_fails_leaves_nothing() {
    let mut ground = Ground::system();
    ground.start();
    ground.config.reload_command = Some(vec!["false".to_owned()]);
    let error = ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Failed, "{error}");
    assert_eq!(fs::read_dir(ground.path("etc/conf.d")).unwrap().count(), 0);
    assert!(!ground.nginx("serving.conf").exists());
    ground.config.reload_command = None;
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap();
}

async fn a_state_directory_that_is_gone() {
    let ground = Ground::system();
    ground.start();
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap();
    fs::remove_dir_all(&ground.config.state_directory).unwrap();
    ground.end_nginx(Signal::QUIT);
    ground.start();
    assert!(eventually(Duration::from_secs(5), || ground.pid().is_some()));
    assert_eq!(
        get(ground.config.http_port, "shop.localhost", "/").await.unwrap().body,
        "the default site"
    );
}

/// Debian's nginx takes in two directories.
async fn another_directory_once_the_old_one_is_left() {
    let mut ground = Ground::system();
    ground.start();
    let serves = [serve("shop", &["shop.localhost"], &[])];
    let removes = [SiteChange::Remove("shop".parse().unwrap())];
    ground.proxy().leave().await.unwrap();
    ground.proxy().change_sites(&serves).await.unwrap();
    ground.proxy().change_sites(&removes).await.unwrap();
    ground.proxy().leave().await.unwrap();
    let port = ground.config.http_port;
    assert_eq!(fs::read_dir(ground.path("etc/conf.d")).unwrap().count(), 0);
    assert_eq!(get(port, "shop.localhost", "/").await.unwrap().body, "the default site");
    let other = ground.path("etc/sites-enabled");
    let old = std::mem::replace(&mut ground.config.include_directory, other);
    ground.proxy().change_sites(&serves).await.unwrap();
    assert_eq!(get(port, "shop.localhost", "/").await.unwrap().status, 502);
    // What leads nowhere else is put there again by the next change.
    ground.proxy().leave().await.unwrap();
    ground.config.include_directory = old;
    ground.proxy().change_sites(&serves).await.unwrap();
    assert_eq!(get(port, "shop.localhost", "/").await.unwrap().status, 502);
    ground.end_nginx(Signal::QUIT);
    ground.proxy().leave().await.unwrap();
    assert_eq!(fs::read_dir(ground.path("etc/conf.d")).unwrap().count(), 0);
}

async fn a_directory_that_cannot_be_left() {
    let mut ground = Ground::system();
    ground.start();
    let serves = [serve("shop", &["shop.localhost"], &[])];
    ground.proxy().change_sites(&serves).await.unwrap();
    ground.config.reload_command = Some(vec!["false".to_owned()]);
    let error = ground.proxy().leave().await.unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Failed, "{error}");
    assert_eq!(fs::read_dir(ground.path("etc/conf.d")).unwrap().count(), 1);
    ground.config.reload_command = None;
    ground.proxy().leave().await.unwrap();
    let port = ground.config.http_port;
    assert_eq!(get(port, "shop.localhost", "/").await.unwrap().body, "the default site");
}
