//! What the fake's followers see. A subscription begins when its stream is first polled, as a request does.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::FakeEngine;
use super::containers::has_labels;
use super::world::{Refusal, World, as_error, refuse};
use crate::runtime::{
    ByteStream, ContainerEvent, ContainerEventKind, ContainerId, EventFilter, LogOptions, OutputChunk, RuntimeError,
    RuntimeErrorKind, RuntimeStream,
};

/// A stream that makes one call at its first poll and then goes on with the world's answers.
///
/// `open` is the call's effect; `next` gives the next item, `None` for the end, or nothing yet.
pub(super) fn stream_of<T, S>(
    engine: FakeEngine,
    method: &'static str,
    subject: String,
    open: impl FnOnce(&mut World) -> Result<S, Refusal> + Send + 'static,
    next: impl Fn(&mut World, &mut S) -> Option<Option<T>> + Send + Sync + 'static,
) -> RuntimeStream<T>
where
    T: Send + 'static,
    S: Send + 'static,
{
    let next = Arc::new(next);
    let opened = async move {
        let call = engine.begin_on(method, &subject).await?;
        let opened = {
            let mut world = engine.world();
            let life = world.life;
            open(&mut world).map(|state| (life, state))
        };
        let (life, state) = call.finish(opened)?;
        Ok::<_, RuntimeError>(stream::unfold(Some((engine, state)), move |left| {
            let (next, subject) = (Arc::clone(&next), subject.clone());
            async move {
                let (engine, mut state) = left?;
                let item = engine
                    .until(|world| {
                        if world.life != life {
                            return Some(refuse(RuntimeErrorKind::Unreachable, "the connection broke"));
                        }
                        next(world, &mut state).map(Ok)
                    })
                    .await;
                match item {
                    Ok(item) => item.map(|item| (Ok(item), Some((engine, state)))),
                    Err(refusal) => Some((Err(as_error(refusal, method, &subject)), None)),
                }
            }
        }))
    };
    stream::once(opened)
        .flat_map(|opened| match opened {
            Ok(items) => items.boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        })
        .boxed()
}

pub(super) fn events(engine: FakeEngine, filter: EventFilter) -> RuntimeStream<ContainerEvent> {
    let subject: Vec<String> = filter
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let since = filter.since;
    let open = move |world: &mut World| {
        let since = since.filter(|_| world.capabilities.replays_past_events);
        let first = since.and_then(|since| world.events.iter().position(|event| event.at >= since));
        Ok(first.unwrap_or(world.events.len()))
    };
    let next = move |world: &mut World, position: &mut usize| loop {
        let event = world.events.get(*position)?.clone();
        *position += 1;
        let is_of_a_network = event.kind == ContainerEventKind::NetworkChanged;
        let is_asked = match filter.network {
            Some(_) => is_of_a_network,
            // Events of networks carry no labels.
            None if is_of_a_network => filter.labels.is_empty(),
            None => has_labels(&event.labels, &filter.labels),
        };
        if is_asked {
            return Some(Some(event));
        }
    };
    stream_of(engine, "follow_events", subject.join(","), open, next)
}

pub(super) fn logs(engine: FakeEngine, id: ContainerId, options: LogOptions) -> RuntimeStream<OutputChunk> {
    let subject = id.0.clone();
    let open = move |world: &mut World| {
        let pipe = world.container(&id)?.pipe;
        let lines = world.pipes.get(pipe).map_or(0, |pipe| pipe.output.len());
        let tail = options
            .tail
            .and_then(|tail| usize::try_from(tail).ok())
            .unwrap_or(lines);
        Ok((id, pipe, lines.saturating_sub(tail)))
    };
    let next = move |world: &mut World, (id, pipe, position): &mut (ContainerId, usize, usize)| {
        let chunk = world.pipes.get(*pipe).and_then(|pipe| pipe.output.get(*position));
        let Some(chunk) = chunk.cloned() else {
            let may_write = world
                .container(id)
                .is_ok_and(|container| container.state.may_have_a_process());
            return (!(options.follow && may_write)).then_some(None);
        };
        *position += 1;
        Some(Some(chunk))
    };
    stream_of(engine, "read_logs", subject, open, next)
}

/// The two directions of a terminal: `input` is passed on while the output is polled.
pub(super) fn terminal(
    engine: FakeEngine,
    pipe: usize,
    from: usize,
    input: ByteStream,
    has_ended: impl Fn(&World) -> bool + Send + Sync + 'static,
) -> RuntimeStream<OutputChunk> {
    let (life, ended) = (engine.world().life, Arc::new(has_ended));
    let state = Some((engine, input.fuse(), from));
    let unfold = stream::unfold(state, move |left| {
        let ended = Arc::clone(&ended);
        async move {
            let (engine, mut input, position) = left?;
            let item = loop {
                let output = engine.until(|world| {
                    if world.life != life {
                        return Some(refuse(RuntimeErrorKind::OutcomeUnknown, "the connection broke"));
                    }
                    let chunk = world
                        .pipes
                        .get(pipe)
                        .and_then(|pipe| pipe.output.get(position))
                        .cloned();
                    (chunk.is_some() || ended(world)).then_some(Ok(chunk))
                });
                futures_util::pin_mut!(output);
                if input.is_done() {
                    break output.await;
                }
                match futures_util::future::select(output, input.next()).await {
                    futures_util::future::Either::Left((output, _)) => break output,
                    futures_util::future::Either::Right((bytes, _)) => engine.world().feed(pipe, bytes),
                }
            };
            match item {
                Ok(chunk) => chunk.map(|chunk| (Ok(chunk), Some((engine, input, position + 1)))),
                Err(refusal) => Some((Err(as_error(refusal, "attach", "")), None)),
            }
        }
    });
    unfold.boxed()
}
