//! Streams that the engine sends: their end, their silence, and events in the port's vocabulary.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use bollard::errors::Error;
use bollard::models::{EventMessage, EventMessageTypeEnum};
use futures_util::{Stream, StreamExt, stream};
use ps_core::runtime::{ContainerEvent, ContainerEventKind, ContainerId, EventFilter, RuntimeError, RuntimeStream};
use tokio::sync::mpsc::{Sender, channel};

use crate::classify_error::Call;

/// The next item of a stream of messages. A line end that arrives alone after the last message is the stream's end, not an
/// error, although bollard 0.21 makes one of it.
pub(crate) async fn next_message<T>(
    messages: &mut (impl Stream<Item = Result<T, Error>> + Unpin),
) -> Option<Result<T, Error>> {
    match messages.next().await {
        Some(Err(Error::IOError { err })) if err.to_string() == "bytes remaining on stream" => None,
        item => item,
    }
}

/// As [`next_message`], but silence for longer than the limit is a time-out.
pub(crate) async fn next_within<T>(
    limit: Duration,
    messages: &mut (impl Stream<Item = Result<T, Error>> + Unpin),
) -> Option<Result<T, Error>> {
    let next = tokio::time::timeout(limit, next_message(messages)).await;
    next.unwrap_or(Some(Err(Error::RequestTimeoutError)))
}

/// Where a stream's items go.
pub(crate) struct Outlet<T>(Sender<Result<T, RuntimeError>>);

impl<T> Outlet<T> {
    /// Hands one item on, when the reader wants it.
    pub(crate) async fn put(&mut self, item: T) {
        // There is no reader only while the whole stream is being dropped.
        let _ = self.0.send(Ok(item)).await;
    }
}

/// A stream of what an async block puts out, and last its error. Dropping the stream drops the block.
pub(crate) fn produced<T, W, F>(work: W) -> RuntimeStream<T>
where
    T: Send + 'static,
    W: FnOnce(Outlet<T>) -> F,
    F: Future<Output = Result<(), RuntimeError>> + Send + 'static,
{
    let (sender, receiver) = channel(1);
    let items = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    // The error takes the items' way, so that it cannot overtake them.
    let last = sender.clone();
    let work = work(Outlet(sender));
    let work = async move {
        if let Err(error) = work.await {
            let _ = last.send(Err(error)).await;
        }
    };
    let end = stream::once(work).filter_map(async |()| None);
    stream::select(items, end).boxed()
}

/// The filters and the start of an events call. With labels only containers are asked for, since events of networks carry none.
pub(crate) fn event_query(filter: &EventFilter) -> (HashMap<String, Vec<String>>, Option<String>) {
    let labels: Vec<String> = filter
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut filters = HashMap::from([("type".to_owned(), vec!["container".to_owned()])]);
    if let Some(network) = &filter.network {
        filters.insert("type".to_owned(), vec!["network".to_owned()]);
        filters.insert("network".to_owned(), vec![network.clone()]);
    } else if labels.is_empty() {
        filters.insert("type".to_owned(), vec!["container".to_owned(), "network".to_owned()]);
    } else {
        filters.insert("label".to_owned(), labels);
    }
    let since = filter
        .since
        .and_then(|since| since.duration_since(SystemTime::UNIX_EPOCH).ok());
    (
        filters,
        since.map(|since| format!("{}.{:09}", since.as_secs(), since.subsec_nanos())),
    )
}

/// Attributes of a container's event that are not labels.
const OWN_ATTRIBUTES: [&str; 9] = [
    "name",
    "image",
    "exitCode",
    "signal",
    "execID",
    "oldName",
    "execDuration",
    "destination",
    "driver",
];

/// An event in the port's vocabulary; `None` for events that are about no container.
pub(crate) fn read_event(message: EventMessage) -> Option<ContainerEvent> {
    let actor = message.actor.unwrap_or_default();
    let mut attributes: BTreeMap<String, String> = actor.attributes.unwrap_or_default().into_iter().collect();
    let nanos = message
        .time_nano
        .and_then(|nanos| u64::try_from(nanos).ok())
        .unwrap_or_default();
    let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
    let action = message.action.unwrap_or_default();
    if message.typ == Some(EventMessageTypeEnum::NETWORK) {
        let container = ContainerId(attributes.remove("container")?);
        let kind = ContainerEventKind::NetworkChanged;
        let is_change = matches!(action.as_str(), "connect" | "disconnect");
        return is_change.then(|| ContainerEvent {
            container,
            name: String::new(),
            kind,
            at,
            labels: BTreeMap::new(),
        });
    }
    let kind = event_kind(&action, attributes.get("exitCode").and_then(|code| code.parse().ok()));
    let name = attributes.remove("name").unwrap_or_default();
    attributes.retain(|name, _| !OWN_ATTRIBUTES.contains(&name.as_str()));
    Some(ContainerEvent {
        container: ContainerId(actor.id?),
        name,
        kind,
        at,
        labels: attributes,
    })
}

fn event_kind(action: &str, exit_code: Option<i64>) -> ContainerEventKind {
    match action {
        "create" => ContainerEventKind::Created,
        "start" => ContainerEventKind::Started,
        "die" => ContainerEventKind::Died { exit_code },
        "stop" => ContainerEventKind::Stopped,
        "rename" => ContainerEventKind::Renamed,
        "destroy" => ContainerEventKind::Removed,
        "health_status: healthy" => ContainerEventKind::Health { healthy: true },
        "health_status: unhealthy" => ContainerEventKind::Health { healthy: false },
        // What follows the colon of `exec_create: …` is a whole command line, which may hold secrets.
        other => ContainerEventKind::Other(other.split(':').next().unwrap_or_default().to_owned()),
    }
}

/// All events of an open stream, until it ends.
pub(crate) fn container_events(
    messages: impl Stream<Item = Result<EventMessage, Error>> + Send + 'static,
) -> RuntimeStream<ContainerEvent> {
    let events = stream::unfold(Box::pin(messages), async |mut messages| {
        loop {
            let event = match next_message(&mut messages).await? {
                Ok(message) => read_event(message).map(Ok),
                Err(error) => Some(Err(Call::new("follow", "events").error(error))),
            };
            if let Some(event) = event {
                return Some((event, messages));
            }
        }
    });
    events.boxed()
}

#[cfg(test)]
mod tests {
    use std::io;

    use bollard::models::EventActor;
    use ps_core::runtime::RuntimeErrorKind;

    use super::*;

    fn message(typ: EventMessageTypeEnum, action: &str, attributes: &[(&str, &str)]) -> EventMessage {
        let attributes = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        EventMessage {
            typ: Some(typ),
            action: Some(action.to_owned()),
            actor: Some(EventActor {
                id: Some("7ce9".into()),
                attributes: Some(attributes),
            }),
            time_nano: Some(1_000_000_001),
            ..EventMessage::default()
        }
    }

    #[test]
    fn an_event_has_name_labels_and_exit_code() {
        let attributes = [
            ("name", "shop.web.1"),
            ("image", "i"),
            ("exitCode", "137"),
            ("dev.psctl.app", "shop"),
        ];
        let event = read_event(message(EventMessageTypeEnum::CONTAINER, "die", &attributes)).unwrap();
        assert_eq!(event.kind, ContainerEventKind::Died { exit_code: Some(137) });
        assert_eq!(
            (event.name.as_str(), event.container.0.as_str()),
            ("shop.web.1", "7ce9")
        );
        assert_eq!(event.labels, [("dev.psctl.app".to_owned(), "shop".to_owned())].into());
        assert_eq!(event.at, SystemTime::UNIX_EPOCH + Duration::new(1, 1));
    }

    #[test]
    fn a_command_line_in_an_events_word_is_left_out() {
        let event = read_event(message(
            EventMessageTypeEnum::CONTAINER,
            "exec_create: sh -c TOKEN=x",
            &[],
        ))
        .unwrap();
        assert_eq!(event.kind, ContainerEventKind::Other("exec_create".into()));
    }

    #[test]
    fn a_networks_event_is_about_the_container_it_names() {
        let network = EventMessageTypeEnum::NETWORK;
        let event = read_event(message(network, "connect", &[("container", "ab"), ("name", "n")])).unwrap();
        assert_eq!(
            (event.container.0.as_str(), event.kind),
            ("ab", ContainerEventKind::NetworkChanged)
        );
        assert_eq!(read_event(message(network, "create", &[("name", "n")])), None);
    }

    #[tokio::test]
    async fn a_lone_line_end_ends_the_stream_and_is_no_error() {
        let rest = Error::from(io::Error::other("bytes remaining on stream"));
        let mut messages = stream::iter([Ok(1), Err(rest)]);
        assert!(matches!(next_message(&mut messages).await, Some(Ok(1))));
        assert!(next_message(&mut messages).await.is_none());
    }

    #[tokio::test]
    async fn an_error_comes_after_everything_that_was_put_out() {
        let mut items = produced(async |mut outlet: Outlet<u32>| {
            outlet.put(1).await;
            outlet.put(2).await;
            Err(Call::new("build", "a").failed(RuntimeErrorKind::BuildFailed))
        });
        assert_eq!(items.next().await.unwrap().unwrap(), 1);
        assert_eq!(items.next().await.unwrap().unwrap(), 2);
        assert_eq!(
            items.next().await.unwrap().unwrap_err().kind,
            RuntimeErrorKind::BuildFailed
        );
        assert!(items.next().await.is_none());
    }

    #[test]
    fn labels_narrow_the_events_to_containers() {
        let since = SystemTime::UNIX_EPOCH + Duration::new(5, 7);
        let filter = EventFilter {
            labels: [("a".to_owned(), "b".to_owned())].into(),
            since: Some(since),
            ..EventFilter::default()
        };
        let (filters, since) = event_query(&filter);
        assert_eq!(filters["type"], ["container"]);
        assert_eq!(filters["label"], ["a=b"]);
        assert_eq!(since.as_deref(), Some("5.000000007"));
        assert_eq!(event_query(&EventFilter::default()).0["type"], ["container", "network"]);
    }
}
