//! Requests while sites change: after a change no new connection gets an old answer, and no request is lost in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use ps_core::proxy::Proxy;

use crate::app_server::AppServer;
use crate::client::get;
use crate::ground::{Ground, free_port, serve};
use crate::{Case, case, tell};

/// How often the app is switched to another server.
const SWITCHES: u64 = 50;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case(
            "no_request_is_lost_or_answered_by_the_old_after_a_switch",
            switches_of_psctls_own,
        ),
        case(
            "no_request_is_lost_or_late_with_the_systems_nginx",
            switches_of_the_systems,
        ),
        case(
            "sites_on_the_port_of_before_keep_their_catch_all",
            sites_of_psctls_own_on_the_port_of_before,
        ),
        case(
            "sites_on_the_port_of_before_keep_their_catch_all_in_the_systems_nginx",
            sites_of_the_systems_on_the_port_of_before,
        ),
    ]
}

/// What the requests of one case saw.
#[derive(Debug, Default)]
struct Tally {
    /// Twice the number of the switch; odd while one is made.
    clock: AtomicU64,
    is_over: AtomicBool,
    requests: AtomicUsize,
    wrong: AtomicUsize,
    failed: AtomicUsize,
}

async fn ask_on(tally: Arc<Tally>, port: u16) {
    while !tally.is_over.load(Ordering::SeqCst) {
        let before = tally.clock.load(Ordering::SeqCst);
        let answer = get(port, "shop.localhost", "/").await;
        let after = tally.clock.load(Ordering::SeqCst);
        tally.requests.fetch_add(1, Ordering::SeqCst);
        match answer {
            Ok(answer) if answer.status == 200 => {
                let is_settled = before == after && before.is_multiple_of(2);
                if is_settled && answer.body != (before / 2).to_string() {
                    tally.wrong.fetch_add(1, Ordering::SeqCst);
                }
            }
            _ => {
                tally.failed.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

async fn switch_under_load(ground: &Ground) {
    let mut old = AppServer::named("0").await;
    let serve_by = |server: &AppServer| [serve("shop", &["shop.localhost"], &[server.address])];
    ground.proxy().change_sites(&serve_by(&old)).await.unwrap();
    let tally = Arc::<Tally>::default();
    let askers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(ask_on(Arc::clone(&tally), ground.config.http_port)))
        .collect();
    let mut retired = Vec::new();
    for number in 1..=SWITCHES {
        let new = AppServer::named(&number.to_string()).await;
        tally.clock.store(number * 2 - 1, Ordering::SeqCst);
        ground.proxy().change_sites(&serve_by(&new)).await.unwrap();
        tally.clock.store(number * 2, Ordering::SeqCst);
        // Requests that were on their way are still answered by the old one.
        retired.push(std::mem::replace(&mut old, new));
        let seen = tally.requests.load(Ordering::SeqCst);
        while tally.requests.load(Ordering::SeqCst) < seen + 20 {
            tokio::task::yield_now().await;
        }
    }
    tally.is_over.store(true, Ordering::SeqCst);
    for asker in askers {
        asker.await.unwrap();
    }
    let figure = |number: &AtomicUsize| number.load(Ordering::SeqCst);
    let (requests, wrong, failed) = (figure(&tally.requests), figure(&tally.wrong), figure(&tally.failed));
    tell(&format!(
        "{SWITCHES} switches, {requests} requests: {wrong} wrong, {failed} failed"
    ));
    assert_eq!((wrong, failed), (0, 0));
}

async fn switches_of_psctls_own() {
    switch_under_load(&Ground::own()).await;
}

async fn switches_of_the_systems() {
    let ground = Ground::system();
    ground.start();
    switch_under_load(&ground).await;
}

/// One app after the other comes to the new port; whoever still knows the old one changes nothing for the others.
async fn sites_stay_on_the_port_of_before(mut ground: Ground) {
    let (shop, blog) = (AppServer::named("shop").await, AppServer::named("blog").await);
    let (serves_shop, serves_blog) = (
        [serve("shop", &["shop.localhost"], &[shop.address])],
        [serve("blog", &["blog.localhost"], &[blog.address])],
    );
    let (old, new) = (ground.config.http_port, free_port());
    let outdated = ground.proxy();
    outdated
        .change_sites(&[serves_shop.clone(), serves_blog.clone()].concat())
        .await
        .unwrap();
    let answers = async |port| {
        let mut answers = Vec::new();
        for host in ["shop.localhost", "blog.localhost", "other.localhost"] {
            let answer = get(port, host, "/").await.unwrap();
            answers.push(if answer.status == 200 {
                answer.body
            } else {
                answer.status.to_string()
            });
        }
        answers
    };
    ground.config.http_port = new;
    ground.proxy().change_sites(&serves_shop).await.unwrap();
    assert_eq!(answers(old).await, ["404", "blog", "404"]);
    assert_eq!(answers(new).await, ["shop", "404", "404"]);
    // The same once more has nothing to do.
    let before = ground.generations();
    ground.proxy().change_sites(&serves_shop).await.unwrap();
    assert_eq!(ground.generations(), before);
    outdated.change_sites(&serves_blog).await.unwrap();
    assert_eq!(answers(old).await, ["404", "blog", "404"]);
    assert_eq!(answers(new).await, ["shop", "404", "404"]);
    ground
        .proxy()
        .change_sites(&[serves_shop, serves_blog].concat())
        .await
        .unwrap();
    assert_eq!(answers(new).await, ["shop", "blog", "404"]);
    let base = format!("generations/{}/base.conf", ground.generations().last().unwrap());
    let base = std::fs::read_to_string(ground.nginx(&base)).unwrap();
    assert!(!base.contains(&format!("listen {old}")), "{base}");
}

async fn sites_of_psctls_own_on_the_port_of_before() {
    sites_stay_on_the_port_of_before(Ground::own()).await;
}

async fn sites_of_the_systems_on_the_port_of_before() {
    let ground = Ground::system();
    ground.start();
    sites_stay_on_the_port_of_before(ground).await;
}
