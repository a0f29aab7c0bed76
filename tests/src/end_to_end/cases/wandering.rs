//! Webs that come back by themselves, at the same address or at another one, while the listener and a real nginx are at work.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ps_core::runtime::ContainerId;

use super::super::{Case, Ground, ensure};
use super::listening::Listener;
use super::traffic::{deployed, host};
use super::traffic_client::get_at_once;
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_web_that_is_restarted_by_hand_keeps_its_address,
        a_web_that_comes_back_elsewhere_is_served_again,
        a_web_that_was_away_when_its_file_was_written_is_served_again,
    ]
}

/// The address in the state directory's network, while it runs.
fn address(ground: &Ground, id: &ContainerId) -> Result<Option<Ipv4Addr>, Failure> {
    let network = ground.network().ok_or("there is no network")?;
    let detail = ground.block_on(ground.engine().inspect_container(id))?;
    Ok(detail.addresses.get(&network).copied())
}

fn file_of(ground: &Ground, app: &str) -> Result<String, Failure> {
    let path = ground.ok(&["proxy:report", app, "--proxy-file"])?.out;
    Ok(std::fs::read_to_string(path.trim())?)
}

/// Waits until the app itself answers; returns how long it took.
fn is_served(ground: &Ground, port: u16, app: &str) -> Result<Duration, Failure> {
    let began = Instant::now();
    ground.promptly("it is served", || {
        let answer = get_at_once(port, &host(app)).ok();
        Ok(answer
            .is_some_and(|(status, body)| status == 200 && body == "shop")
            .then_some(()))
    })?;
    Ok(began.elapsed())
}

fn a_web_that_is_restarted_by_hand_keeps_its_address(ground: &Ground) -> Verdict {
    let port = ground.use_nginx()?;
    let app = deployed(ground, "shop")?;
    let listener = Listener::start(ground, &[])?;
    let id = ContainerId(ground.id(&app, "web.1")?);
    let (before, file) = (address(ground, &id)?, file_of(ground, &app)?);
    // Elsewhere it has a port of the host, which the proxy's file names.
    let has_address = ground.engine().capabilities().host_reaches_containers;
    for _ in 0..3 {
        ground.block_on(ground.engine().stop_container(&id, Duration::from_secs(1)))?;
        ground.block_on(ground.engine().start_container(&id))?;
        is_served(ground, port, &app)?;
        let after = address(ground, &id)?;
        ensure(after == before && after.is_some() == has_address, || {
            format!("{before:?}, then {after:?}")
        })?;
    }
    ensure(file_of(ground, &app)? == file, || "the proxy's file changed".to_owned())?;
    listener.end()
}

fn a_web_that_comes_back_elsewhere_is_served_again(ground: &Ground) -> Verdict {
    if !ground.engine().capabilities().host_reaches_containers {
        // Requests go to a port of the host that is the container's for its life, and the engine lets it leave no network.
        return Ok(());
    }
    let port = ground.use_nginx()?;
    let app = deployed(ground, "shop")?;
    let listener = Listener::start(ground, &[])?;
    let id = ContainerId(ground.id(&app, "web.1")?);
    let network = ground.network().ok_or("there is no network")?;
    let before = address(ground, &id)?;
    ground.block_on(ground.engine().disconnect_container(&network, &id))?;
    ground.block_on(ground.engine().connect_container(&network, &id, &[]))?;
    let took = is_served(ground, port, &app)?;
    ground.measured(format!(
        "a web that was reconnected at another address is served again after {took:.2?}"
    ));
    let after = address(ground, &id)?;
    ensure(after != before && after.is_some(), || {
        format!("it kept its address: {before:?}, then {after:?}")
    })?;
    listener.says(ground, "sent requests to the new address of web.1")?;
    listener.end()
}

fn a_web_that_was_away_when_its_file_was_written_is_served_again(ground: &Ground) -> Verdict {
    let port = ground.use_nginx()?;
    let app = deployed(ground, "shop")?;
    let listener = Listener::start(ground, &[])?;
    let id = ContainerId(ground.id(&app, "web.1")?);
    ground.block_on(ground.engine().stop_container(&id, Duration::from_secs(1)))?;
    ground.ok(&["domains:add", &app, &host(&app)])?;
    let (status, _) = get_at_once(port, &host(&app))?;
    ensure(status == 502, || format!("it answers {status}"))?;
    ground.block_on(ground.engine().start_container(&id))?;
    is_served(ground, port, &app)?;
    listener.end()
}
