//! What followers are told.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use ps_core::runtime::{ContainerEvent, ContainerEventKind as Kind, ContainerId, ContainerState, EventFilter};

use super::super::bench::LABEL;
use super::super::{Bench, Case, Failure, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        past_events_tell_the_life_of_a_container_in_order if |can| can.replays_past_events,
        the_death_by_a_stop_is_told if |can| can.replays_past_events,
        a_rename_is_told if |can| can.replays_past_events,
        restarts_are_told if |can| can.replays_past_events,
        events_reach_a_follower_that_was_there_before,
        a_follower_hears_only_of_what_has_its_labels,
    ]
}

fn filter(bench: &Bench, since: Option<SystemTime>) -> EventFilter {
    EventFilter {
        labels: bench.filter().labels,
        since,
        ..EventFilter::default()
    }
}

/// The moment from which a case wants to hear; engines count in whole seconds.
fn from_now(bench: &Bench) -> Option<SystemTime> {
    bench.clock.now().checked_sub(Duration::from_secs(2))
}

/// All events up to the first that `is_last` takes.
async fn events_until(
    bench: &Bench,
    since: Option<SystemTime>,
    is_last: impl Fn(&ContainerEvent) -> bool,
) -> Result<Vec<ContainerEvent>, Failure> {
    let mut stream = bench.engine.follow_events(&filter(bench, since));
    let mut seen = Vec::new();
    let limit = bench.clock.monotonic() + Duration::from_secs(15);
    loop {
        let left = limit.saturating_sub(bench.clock.monotonic());
        let event = match select(stream.next(), bench.clock.sleep(left)).await {
            Either::Left((event, _)) => event.ok_or("the stream ended")??,
            Either::Right(_) => return Err(format!("only {seen:?} came").into()),
        };
        seen.push(event);
        if seen.last().is_some_and(&is_last) {
            return Ok(seen);
        }
    }
}

fn position(events: &[ContainerEvent], kind: &Kind) -> Result<usize, Failure> {
    let found = events.iter().position(|event| event.kind == *kind);
    found.ok_or_else(|| format!("no {kind:?} in {events:?}").into())
}

async fn past_events_tell_the_life_of_a_container_in_order(bench: &Bench) -> Verdict {
    let since = from_now(bench);
    let id = bench.start("a", &Program::exits(3)).await?;
    bench.engine.wait_container(&id).await?;
    bench.engine.remove_container(&id).await?;
    let events = events_until(bench, since, |event| event.kind == Kind::Removed).await?;
    let died = Kind::Died { exit_code: Some(3) };
    let order = [Kind::Created, Kind::Started, died, Kind::Removed].map(|kind| position(&events, &kind));
    let mut last = None;
    for place in order {
        let place = place?;
        assert!(Some(place) > last, "{events:?}");
        last = Some(place);
    }
    for event in &events {
        assert_eq!((&event.container, &event.name), (&id, &bench.name("a")), "{event:?}");
        let age = bench.clock.now().duration_since(event.at).unwrap_or_default();
        assert!(age < Duration::from_secs(60), "{event:?}");
    }
    let labelled = events
        .iter()
        .filter(|event| matches!(event.kind, Kind::Started | Kind::Died { .. }));
    for event in labelled {
        assert!(event.labels.contains_key(LABEL), "{event:?}");
    }
    Ok(())
}

async fn the_death_by_a_stop_is_told(bench: &Bench) -> Verdict {
    let since = from_now(bench);
    let id = bench.start_ready(&Program::is_deaf()).await?;
    bench.engine.stop_container(&id, Duration::ZERO).await?;
    bench.engine.remove_container(&id).await?;
    let events = events_until(bench, since, |event| event.kind == Kind::Removed).await?;
    // Docker tells `Stopped` too, Podman does not.
    position(&events, &Kind::Died { exit_code: Some(137) })?;
    Ok(())
}

async fn a_rename_is_told(bench: &Bench) -> Verdict {
    let since = from_now(bench);
    let id = bench.create("old", &Program::runs()).await?;
    bench.engine.rename_container(&id, &bench.name("new")).await?;
    let events = events_until(bench, since, |event| event.kind == Kind::Renamed).await?;
    assert!(events.iter().all(|event| event.container == id), "{events:?}");
    Ok(())
}

async fn restarts_are_told(bench: &Bench) -> Verdict {
    let since = from_now(bench);
    let mut spec = bench.spec("a", &Program::exits(6));
    spec.restart_policy = ps_core::policies::RestartPolicy::on_failure(1);
    let id = bench.start_spec(&spec).await?;
    let has_given_up = async || {
        let detail = bench.engine.inspect_container(&id).await?;
        Ok((detail.restart_count == 1 && detail.state == ContainerState::Exited).then_some(()))
    };
    bench.eventually("giving up", has_given_up).await?;
    bench.engine.remove_container(&id).await?;
    let events = events_until(bench, since, |event| event.kind == Kind::Removed).await?;
    let count = |kind: &Kind| events.iter().filter(|event| event.kind == *kind).count();
    assert_eq!(count(&Kind::Started), 2, "{events:?}");
    assert_eq!(count(&Kind::Died { exit_code: Some(6) }), 2, "{events:?}");
    Ok(())
}

/// Makes and removes containers until the follower hears of one: nothing else tells that its subscription has begun.
async fn make_until_heard(bench: &Bench, word: &str) -> Verdict {
    for number in 0..40 {
        let id = bench.create(&format!("{word}{number}"), &Program::runs()).await?;
        bench.engine.remove_container(&id).await?;
        bench.clock.sleep(Duration::from_millis(250)).await;
    }
    Err("the follower hears nothing".into())
}

async fn hear(bench: &Bench, filter: &EventFilter) -> Result<ContainerEvent, Failure> {
    let mut stream = bench.engine.follow_events(filter);
    let making = Box::pin(make_until_heard(bench, "n"));
    match select(stream.next(), making).await {
        Either::Left((event, _)) => Ok(event.ok_or("the stream ended")??),
        Either::Right((nothing, _)) => Err(nothing.err().unwrap_or_else(|| "nothing was heard".into())),
    }
}

async fn events_reach_a_follower_that_was_there_before(bench: &Bench) -> Verdict {
    let event = hear(bench, &filter(bench, None)).await?;
    assert!(event.name.starts_with(&bench.name("n")), "{event:?}");
    Ok(())
}

async fn a_follower_hears_only_of_what_has_its_labels(bench: &Bench) -> Verdict {
    let other: ContainerId = {
        let mut spec = bench.spec("other", &Program::exits(0));
        spec.labels.insert(LABEL.to_owned(), bench.name("another"));
        bench.engine.create_container(&spec).await?
    };
    let busy = async {
        loop {
            bench.engine.start_container(&other).await?;
            bench.engine.wait_container(&other).await?;
            bench.clock.sleep(Duration::from_millis(100)).await;
        }
    };
    let busy: futures_util::future::BoxFuture<'_, Verdict> = Box::pin(busy);
    let filter = filter(bench, None);
    match select(Box::pin(hear(bench, &filter)), busy).await {
        Either::Left((event, _)) => assert_ne!(event?.container, other),
        Either::Right((ended, _)) => return ended,
    }
    Ok(())
}
