//! Images of stopped containers.
//!
//! The engine takes an empty command for "as the container" unless there is an entrypoint. Where that came out wrong, an image on
//! top says it as a Dockerfile can. Invariant: what is returned has the entrypoint and the command that were asked for.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::Method;
use ps_core::runtime::{
    BuildEvent, BuildRequest, CommitSpec, ContainerId, ImageId, ImageRuntime, RuntimeError, RuntimeErrorKind,
};
use serde::Deserialize;

use crate::DockerRuntime;
use crate::classify_error::Call;
use crate::runtime::on_container;
use crate::translate::{query_value, split_tag};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    id: String,
}

pub(crate) async fn commit(
    docker: &DockerRuntime,
    id: &ContainerId,
    spec: &CommitSpec,
) -> Result<ImageId, RuntimeError> {
    let (call, word) = on_container("commit", id)?;
    let (repository, tag) = split_tag(&spec.tag);
    let (repository, tag) = (query_value(repository), query_value(tag));
    let path = format!("/commit?container={word}&repo={repository}&tag={tag}&pause=0");
    let body = serde_json::json!({ "Entrypoint": spec.entrypoint, "Cmd": spec.command, "Labels": spec.labels });
    let answer = docker.transport.ask(Method::POST, &path, Bytes::from(body.to_string()));
    let answer = call.bounded(docker.limits.transfer, answer).await?;
    let unreadable = |error: serde_json::Error| call.failed(RuntimeErrorKind::Unexpected).because(error);
    let Made { id } = serde_json::from_slice(&answer.body).map_err(unreadable)?;
    let made = docker.inspect_image(&id).await?;
    if (&made.entrypoint, &made.command) == (&spec.entrypoint, &spec.command) {
        return Ok(ImageId(id));
    }
    let put_right = put_right(docker, spec, call).await?;
    docker.remove_image(&id).await?;
    Ok(put_right)
}

/// An image on top of the one with that name, which takes the name.
async fn put_right(docker: &DockerRuntime, spec: &CommitSpec, call: Call<'_>) -> Result<ImageId, RuntimeError> {
    let words = |words: &[String]| serde_json::json!(words).to_string();
    let (entrypoint, command) = (words(&spec.entrypoint), words(&spec.command));
    let text = format!("FROM {}\nENTRYPOINT {entrypoint}\nCMD {command}\n", spec.tag);
    let unwritable = |error: std::io::Error| call.failed(RuntimeErrorKind::Unexpected).because(error);
    let request = BuildRequest {
        context: stream::iter([Ok(context(&text).map_err(unwritable)?)]).boxed(),
        dockerfile: "Dockerfile".to_owned(),
        tag: spec.tag.clone(),
        labels: spec.labels.clone(),
    };
    let mut building = docker.build_image(request);
    while let Some(event) = building.try_next().await? {
        if let BuildEvent::Built(id) = event {
            return Ok(id);
        }
    }
    Err(call.failed(RuntimeErrorKind::Unexpected))
}

fn context(dockerfile: &str) -> std::io::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(dockerfile.len()).unwrap_or_default());
    header.set_mode(0o644);
    archive.append_data(&mut header, "Dockerfile", dockerfile.as_bytes())?;
    archive.into_inner().map(Bytes::from)
}
