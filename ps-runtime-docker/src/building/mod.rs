//! Building images with the engine's own BuildKit, whatever the Dockerfile needs.
//!
//! The context is the body of the build request, as for the older builder, and a session ([`session`]) stands beside it, since some
//! steps ask the client something. Progress comes as protobuf inside JSON ([`trace`]) and becomes lines and steps ([`progress`]).
//! Invariant: a build lives as long as its request's connection, so dropping the stream ends it on the engine.

mod hint;
mod progress;
mod session;
mod trace;

use bollard::body_try_stream;
use bollard::errors::Error;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use ps_core::runtime::{BuildEvent, BuildRequest, ImageId, RuntimeError, RuntimeErrorKind};

use crate::DockerRuntime;
use crate::classify_error::Call;
use crate::event_stream::{Outlet, next_within};
use crate::messages::messages_of;
use crate::translate::query_value;

use progress::Progress;
use session::Session;
use trace::read_trace;

/// Builds, and puts out what happens.
pub(crate) async fn build(
    docker: DockerRuntime,
    request: BuildRequest,
    mut outlet: Outlet<BuildEvent>,
) -> Result<(), RuntimeError> {
    let tag = request.tag.clone();
    let call = Call::new("build", &tag);
    let session = call
        .bounded(docker.limits.change, Session::open(&docker.transport))
        .await?;
    let path = build_path(&request, session.id());
    let sent = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(CONTENT_TYPE, "application/x-tar")
        .body(body_try_stream(request.context))
        .map_err(|error| call.error(error.into()))?;
    let answer = docker.transport.stream(sent).await;
    let answer = answer.map_err(|error| call.build_error(error))?;
    let mut messages = Box::pin(messages_of(answer.into_body()));
    let (mut progress, mut id) = (Progress::default(), None);
    while let Some(message) = next_within(docker.limits.silence, &mut messages).await {
        let message = message.map_err(|error| call.build_error(error))?;
        if let Some(error) = message.failure() {
            let told = hint::with_hint(error, &docker.identity.version);
            return Err(call.build_error(Error::DockerStreamError { error: told }));
        }
        id = message.image_id().map(|id| ImageId(id.to_owned())).or(id);
        let news = message.trace().map(|bytes| progress.events(read_trace(&bytes)));
        for event in news.unwrap_or_default() {
            outlet.put(event).await;
        }
    }
    let id = id.ok_or_else(|| {
        call.failed(RuntimeErrorKind::Unexpected)
            .because("the engine named no image")
    })?;
    outlet.put(BuildEvent::Built(id)).await;
    Ok(())
}

/// `version=2` is BuildKit; without `remote` the body is the context.
fn build_path(request: &BuildRequest, session: &str) -> String {
    let labels = serde_json::json!(request.labels).to_string();
    let values = [
        ("t", request.tag.as_str()),
        ("dockerfile", &request.dockerfile),
        ("labels", &labels),
        ("session", session),
    ];
    values
        .iter()
        .fold("/build?version=2".to_owned(), |path, (name, value)| {
            format!("{path}&{name}={}", query_value(value))
        })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[test]
    fn what_stands_in_the_path_is_escaped() {
        let request = BuildRequest {
            context: futures_util::stream::empty().boxed(),
            dockerfile: "a&b/Dockerfile".to_owned(),
            tag: "psctl/shop:v2".to_owned(),
            labels: [("a".to_owned(), "b c".to_owned())].into(),
        };
        assert_eq!(
            build_path(&request, "s1"),
            "/build?version=2&t=psctl%2Fshop%3Av2&dockerfile=a%26b%2FDockerfile&labels=%7B%22a%22%3A%22b%20c%22%7D&session=s1"
        );
    }
}
