//! Images of stopped containers.
//!
//! Settings go out as lines of a Dockerfile, and Podman 5 takes an empty command or entrypoint for "as the container". Where that
//! came out wrong, an image on top says it in a build, which knows empty lists. Invariant: what is returned has the entrypoint and the
//! command that were asked for.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use ps_core::runtime::{
    BuildEvent, BuildRequest, CommitSpec, ContainerId, ImageId, ImageRuntime, RuntimeError, RuntimeErrorKind,
};
use serde_json::json;

use crate::answers::Made;
use crate::call::Call;
use crate::classify_error::{Failure, RUNTIME};
use crate::runtime::PodmanRuntime;
use crate::translate::{image_id, repository_and_tag};

pub(crate) async fn commit(
    podman: &PodmanRuntime,
    id: &ContainerId,
    spec: &CommitSpec,
) -> Result<ImageId, RuntimeError> {
    let committing = async {
        let (repository, tag) = repository_and_tag(&spec.tag);
        let call = Call::post("/commit")
            .query("container", &id.0)
            .query("repo", repository)
            .query("tag", tag)
            .query("pause", "false")
            .query("format", "docker");
        let call = changes(spec)?
            .iter()
            .fold(call, |call, change| call.query("changes", change));
        let made: Made = podman.libpod.ask(call, podman.limits.work).await?.json()?;
        Ok(image_id(&made.id))
    };
    let committed = committing.await;
    let made_id = committed.map_err(|failure: Failure| failure.into_error("commit", &id.0))?;
    let made = podman.inspect_image(&made_id.0).await?;
    if (&made.entrypoint, &made.command) == (&spec.entrypoint, &spec.command) {
        return Ok(made_id);
    }
    // The one below goes with the one on top: it has no name any more.
    put_right(podman, id, spec).await
}

/// The settings of an image, as a Dockerfile has them.
fn changes(spec: &CommitSpec) -> Result<Vec<String>, Failure> {
    let mut changes = vec![
        format!("ENTRYPOINT {}", json!(spec.entrypoint)),
        format!("CMD {}", json!(spec.command)),
    ];
    for (name, value) in &spec.labels {
        // Versions do not agree on what a backslash does.
        if [name, value].iter().any(|text| text.contains(['"', '\\', '$', '\n'])) {
            return Err(Failure::BadRequest(format!("the label {name} cannot be written")));
        }
        changes.push(format!("LABEL \"{name}\"=\"{value}\""));
    }
    Ok(changes)
}

/// An image on top of the one with that name, which takes the name.
async fn put_right(podman: &PodmanRuntime, id: &ContainerId, spec: &CommitSpec) -> Result<ImageId, RuntimeError> {
    let failed = || RuntimeError::new(RuntimeErrorKind::Unexpected, RUNTIME, "commit", &id.0);
    let (entrypoint, command) = (json!(spec.entrypoint), json!(spec.command));
    let text = format!("FROM {}\nENTRYPOINT {entrypoint}\nCMD {command}\n", spec.tag);
    let context = context(&text).map_err(|error| failed().because(error))?;
    let request = BuildRequest {
        context: stream::iter([Ok(context)]).boxed(),
        dockerfile: "Dockerfile".to_owned(),
        tag: spec.tag.clone(),
        labels: spec.labels.clone(),
    };
    let mut building = podman.build_image(request);
    while let Some(event) = building.try_next().await? {
        if let BuildEvent::Built(id) = event {
            return Ok(id);
        }
    }
    Err(failed())
}

fn context(dockerfile: &str) -> std::io::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(dockerfile.len()).unwrap_or_default());
    header.set_mode(0o644);
    archive.append_data(&mut header, "Dockerfile", dockerfile.as_bytes())?;
    archive.into_inner().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_lines_of_a_dockerfile() {
        let mut spec = CommitSpec {
            tag: "psctl/shop:v2".to_owned(),
            entrypoint: vec!["tini".to_owned()],
            command: Vec::new(),
            labels: [("a".to_owned(), "b c".to_owned())].into(),
        };
        let lines = ["ENTRYPOINT [\"tini\"]", "CMD []", "LABEL \"a\"=\"b c\""];
        assert_eq!(changes(&spec).unwrap(), lines);
        spec.labels.insert("q".to_owned(), "\"".to_owned());
        assert!(matches!(changes(&spec), Err(Failure::BadRequest(_))));
    }
}
