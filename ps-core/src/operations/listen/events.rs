//! The streams that are listened to: what happens to our containers, and who joins our network. The end of one is the end of both.

use std::time::{Duration, SystemTime};

use futures_util::stream::{Fuse, select_all};
use futures_util::{Stream, StreamExt};

use super::attend::Round;
use crate::labels;
use crate::operations::situate::network_name;
use crate::runtime::{ContainerEvent, EventFilter, RuntimeError, RuntimeStream};

/// The host's clock and the engine's may differ a little; what comes twice does no harm.
const MARGIN: Duration = Duration::from_secs(2);

/// What a stream brought; `None` is its end.
pub(super) type News = Option<Result<ContainerEvent, RuntimeError>>;

/// An open connection.
pub(super) struct Events {
    streams: Fuse<futures_util::stream::BoxStream<'static, News>>,
    /// Since when, by the clock that never goes back.
    pub(super) since: Duration,
    opened_at: SystemTime,
    /// Whether anything came that is not past.
    pub(super) has_told: bool,
}

impl Events {
    /// Asks for everything since a moment.
    pub(super) fn open(round: Round<'_>, since: SystemTime) -> Self {
        let adapters = &round.operations.adapters;
        let since = Some(since.checked_sub(MARGIN).unwrap_or(since));
        let owner = round.owner.as_str().to_owned();
        let ours = EventFilter {
            labels: [(labels::OWNER.to_owned(), owner)].into(),
            since,
            network: None,
        };
        let mut streams = vec![to_the_end(adapters.engine.follow_events(&ours)).boxed()];
        if adapters.engine.capabilities().host_reaches_containers {
            let network = EventFilter {
                since,
                network: Some(network_name(round.owner)),
                ..EventFilter::default()
            };
            streams.push(to_the_end(adapters.engine.follow_events(&network)).boxed());
        }
        Self {
            streams: select_all(streams).boxed().fuse(),
            since: adapters.clock.monotonic(),
            opened_at: adapters.clock.now(),
            has_told: false,
        }
    }

    /// The next event, or the end.
    pub(super) async fn next(&mut self) -> News {
        let news = self.streams.next().await.flatten();
        self.has_told |= matches!(&news, Some(Ok(event)) if event.at >= self.opened_at);
        news
    }
}

/// A stream whose end is an item.
fn to_the_end(stream: RuntimeStream<ContainerEvent>) -> impl Stream<Item = News> + Send {
    stream.map(Some).chain(futures_util::stream::once(async { None }))
}
