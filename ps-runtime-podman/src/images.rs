//! Images. Inspect, tag and remove go through podman-api; what carries archives or progress goes direct, streamed.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt};
use podman_api::models::ImageData;
use podman_api::opts::{ImageTagOpts, RegistryAuth};
use ps_core::runtime::{
    BuildEvent, BuildRequest, ByteStream, CommitSpec, ContainerId, ImageDetail, ImageId, ImageRuntime, PullEvent,
    RegistryCredentials, RemoveOutcome, RuntimeError, RuntimeErrorKind, RuntimeStream,
};
use serde_json::json;

use crate::answers::{Loaded, Made};
use crate::call::{Call, Payload};
use crate::classify_error::Failure;
use crate::commit::commit;
use crate::event_stream::json_values;
use crate::progress::{Progresses, build_events, lines, successful};
use crate::runtime::{PodmanRuntime, container_path};
use crate::translate::{image_id, repository_and_tag};

/// Docker's image format: the other one drops `HEALTHCHECK` and `SHELL`.
const FORMAT: &str = "application/vnd.docker.distribution.manifest.v2+json";

#[async_trait]
impl ImageRuntime for PodmanRuntime {
    fn build_image(&self, request: BuildRequest) -> RuntimeStream<BuildEvent> {
        let call = Call::post("/build")
            .query("dockerfile", &request.dockerfile)
            .query("t", &request.tag)
            .query("labels", &json!(request.labels).to_string())
            .query("outputformat", FORMAT)
            .query("layers", "true")
            .query("rm", "true")
            .query("forcerm", "true")
            .payload(Payload::Tar(request.context));
        let subject = request.tag;
        build_events(self.progress(call))
            .map_err(move |failure| failure.while_building().into_error("build", &subject))
            .boxed()
    }

    async fn inspect_image(&self, image: &str) -> Result<ImageDetail, RuntimeError> {
        let inspecting = async || {
            let handle = self.podman.images().get(image_path(image)?);
            let found = self.through(self.limits.answer, handle.inspect()).await?;
            Ok(detail(found))
        };
        let mut found = inspecting().await;
        // Looking changes nothing, so a crash is no reason to give up at once.
        for _ in 0..3 {
            if !found.as_ref().is_err_and(Failure::is_crash) {
                break;
            }
            found = inspecting().await;
        }
        found.map_err(|failure| image_error(failure, "inspect", image))
    }

    fn pull_image(&self, image: &str, credentials: Option<&RegistryCredentials>) -> RuntimeStream<PullEvent> {
        let auth = credentials.map(|credentials| {
            RegistryAuth::builder()
                .username(&credentials.username)
                .password(&credentials.password)
                .server_address(&credentials.server)
                .build()
                .serialize()
        });
        let call = Call::post("/images/pull").query("reference", image).registry_auth(auth);
        let subject = image.to_owned();
        lines(self.progress(call))
            .map_ok(PullEvent::Line)
            .map_err(move |failure| failure.while_building().into_error("pull", &subject))
            .boxed()
    }

    async fn import_image(&self, archive: ByteStream, tag: &str, changes: &[String]) -> Result<ImageId, RuntimeError> {
        let call = Call::post("/images/import").query("reference", tag);
        let call = changes
            .iter()
            .fold(call, |call, change| call.query("changes", change))
            .payload(Payload::Tar(archive));
        let imported = self.libpod.ask(call, self.limits.work).await;
        imported
            .and_then(|answer| answer.json())
            .map(|Made { id }| image_id(&id))
            .map_err(|failure| failure.into_error("import", tag))
    }

    async fn load_image(&self, archive: ByteStream) -> Result<Vec<String>, RuntimeError> {
        let call = Call::post("/images/load").payload(Payload::Tar(archive));
        let loaded = self.libpod.ask(call, self.limits.work).await;
        loaded
            .and_then(|answer| answer.json())
            .map(|Loaded { names }| names)
            .map_err(|failure| failure.into_error("load", "an archive"))
    }

    async fn tag_image(&self, image: &str, tag: &str) -> Result<(), RuntimeError> {
        let (repository, tag) = repository_and_tag(tag);
        let options = ImageTagOpts::builder().repo(repository).tag(tag).build();
        let tagging = async {
            let handle = self.podman.images().get(image_path(image)?);
            self.through(self.limits.answer, handle.tag(&options)).await
        };
        tagging.await.map_err(|failure| image_error(failure, "tag", image))
    }

    async fn remove_image(&self, image: &str) -> Result<RemoveOutcome, RuntimeError> {
        let removing = async {
            let handle = self.podman.images().get(image_path(image)?);
            self.through(self.limits.work, handle.delete()).await
        };
        match removing.await {
            Ok(()) => Ok(RemoveOutcome::Removed),
            Err(failure) if is_missing(&failure) => Ok(RemoveOutcome::AlreadyGone),
            Err(failure) => Err(failure.into_error("remove", image)),
        }
    }

    async fn commit_container(&self, id: &ContainerId, spec: &CommitSpec) -> Result<ImageId, RuntimeError> {
        commit(self, id, spec).await
    }

    async fn read_container_file(&self, id: &ContainerId, path: &str, limit: usize) -> Result<Bytes, RuntimeError> {
        let call = Call::get(container_path(id, "archive")).query("path", path);
        self.read_at_most(call, limit)
            .await
            .map_err(|failure| failure.into_error("read a file of", &id.0))
    }
}

impl PodmanRuntime {
    fn progress(&self, call: Call) -> Progresses {
        successful(json_values(self.libpod.stream(call, None)))
    }

    async fn read_at_most(&self, call: Call, limit: usize) -> Result<Bytes, Failure> {
        let mut pieces = self.libpod.stream(call, Some(self.limits.work));
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            whole.extend_from_slice(&piece?);
            if whole.len() > limit {
                return Err(Failure::BadRequest(format!("its archive is larger than {limit} bytes")));
            }
        }
        Ok(whole.freeze())
    }
}

/// The path of an image; podman-api writes it as it is, and would panic on what is no path.
fn image_path(image: &str) -> Result<String, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/@-+".contains(c);
    if image.is_empty() || !image.chars().all(is_plain) {
        return Err(Failure::BadRequest("this is not the name of an image".to_owned()));
    }
    Ok(image.to_owned())
}

fn is_missing(failure: &Failure) -> bool {
    matches!(
        failure.kind(),
        RuntimeErrorKind::ImageMissing | RuntimeErrorKind::NotFound
    )
}

fn image_error(failure: Failure, operation: &'static str, image: &str) -> RuntimeError {
    let is_missing = is_missing(&failure);
    let mut error = failure.into_error(operation, image);
    if is_missing {
        error.kind = RuntimeErrorKind::ImageMissing;
    }
    error
}

fn detail(image: ImageData) -> ImageDetail {
    let mut detail = ImageDetail {
        id: image.id.as_deref().map(image_id),
        ..ImageDetail::default()
    };
    let Some(config) = image.config else {
        return detail;
    };
    detail.entrypoint = config.entrypoint.unwrap_or_default();
    detail.command = config.cmd.unwrap_or_default();
    detail.working_dir = config.working_dir.unwrap_or_default();
    detail.user = config.user.unwrap_or_default();
    detail.labels = config.labels.unwrap_or_default().into_iter().collect();
    let ports = config.exposed_ports.unwrap_or_default();
    detail.exposed_ports = ports
        .keys()
        .filter_map(|port| port.strip_suffix("/tcp").unwrap_or(port).parse().ok())
        .collect();
    detail.exposed_ports.sort_unstable();
    detail
}
