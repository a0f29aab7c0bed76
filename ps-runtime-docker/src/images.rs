//! Images, and files inside containers, over the engine's API.

use async_trait::async_trait;
use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, DownloadFromContainerOptionsBuilder, RemoveImageOptions, TagImageOptionsBuilder,
};
use bollard::{Docker, body_try_stream};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use ps_core::runtime::{
    BuildEvent, BuildRequest, ByteStream, CommitSpec, ContainerId, ImageDetail, ImageId, ImageRuntime, PullEvent,
    RegistryCredentials, RemoveOutcome, RuntimeError, RuntimeErrorKind, RuntimeStream,
};

use crate::building::build;
use crate::classify_error::Call;
use crate::commit::commit;
use crate::event_stream::{Outlet, next_message, next_within, produced};
use crate::loading::load;
use crate::runtime::on_container;
use crate::translate::{image_detail, is_plain_word, split_tag};
use crate::{CallLimits, DockerRuntime};

fn on_image<'a>(operation: &'static str, image: &'a str) -> Result<Call<'a>, RuntimeError> {
    let call = Call::new(operation, image);
    is_plain_word(image)
        .then_some(call)
        .ok_or_else(|| call.failed(RuntimeErrorKind::ImageMissing))
}

#[async_trait]
impl ImageRuntime for DockerRuntime {
    fn build_image(&self, request: BuildRequest) -> RuntimeStream<BuildEvent> {
        let docker = self.clone();
        produced(async move |outlet| build(docker, request, outlet).await)
    }

    async fn inspect_image(&self, image: &str) -> Result<ImageDetail, RuntimeError> {
        let call = on_image("inspect image", image)?;
        let detail = call
            .bounded_image(self.limits.look, self.docker.inspect_image(image))
            .await?;
        Ok(image_detail(detail))
    }

    fn pull_image(&self, image: &str, credentials: Option<&RegistryCredentials>) -> RuntimeStream<PullEvent> {
        let (docker, limits, image) = (self.docker.clone(), self.limits, image.to_owned());
        let credentials = credentials.map(|known| DockerCredentials {
            username: Some(known.username.clone()),
            password: Some(known.password.clone()),
            serveraddress: Some(known.server.clone()),
            ..DockerCredentials::default()
        });
        produced(async move |outlet| pull(docker, limits, image, credentials, outlet).await)
    }

    async fn import_image(&self, archive: ByteStream, tag: &str, changes: &[String]) -> Result<ImageId, RuntimeError> {
        let call = Call::new("import", tag);
        let (name, tag) = split_tag(tag);
        let options = CreateImageOptionsBuilder::new()
            .from_src("-")
            .repo(name)
            .tag(tag)
            .changes(changes.to_vec());
        let messages = self
            .docker
            .create_image(Some(options.build()), Some(body_try_stream(archive)), None);
        let id = call.bounded(self.limits.transfer, last_id(messages)).await?;
        id.ok_or_else(|| {
            call.failed(RuntimeErrorKind::Unexpected)
                .because("the engine named no image")
        })
    }

    async fn load_image(&self, archive: ByteStream) -> Result<Vec<String>, RuntimeError> {
        load(self, archive).await
    }

    async fn tag_image(&self, image: &str, tag: &str) -> Result<(), RuntimeError> {
        let call = on_image("tag image", image)?;
        let (name, tag) = split_tag(tag);
        let options = TagImageOptionsBuilder::new().repo(name).tag(tag).build();
        call.bounded_image(self.limits.change, self.docker.tag_image(image, Some(options)))
            .await
    }

    async fn remove_image(&self, image: &str) -> Result<RemoveOutcome, RuntimeError> {
        let call = on_image("remove image", image)?;
        let removed = self.docker.remove_image(image, None::<RemoveImageOptions>, None);
        match call.bounded_image(self.limits.change, removed).await {
            Ok(_) => Ok(RemoveOutcome::Removed),
            Err(error) if error.kind == RuntimeErrorKind::ImageMissing => Ok(RemoveOutcome::AlreadyGone),
            Err(error) => Err(error),
        }
    }

    async fn commit_container(&self, id: &ContainerId, spec: &CommitSpec) -> Result<ImageId, RuntimeError> {
        commit(self, id, spec).await
    }

    async fn read_container_file(&self, id: &ContainerId, path: &str, limit: usize) -> Result<Bytes, RuntimeError> {
        let (call, word) = on_container("read a file of", id)?;
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let chunks = Box::pin(self.docker.download_from_container(word, Some(options)));
        let archive = call.bounded(self.limits.transfer, at_most(limit, chunks)).await?;
        archive.ok_or_else(|| {
            call.failed(RuntimeErrorKind::Invalid)
                .because(format!("{path} is larger than {limit} bytes"))
        })
    }
}

/// All bytes of a stream, or `None` when they are more than the limit.
async fn at_most(
    limit: usize,
    mut chunks: impl futures_util::Stream<Item = Result<Bytes, Error>> + Unpin,
) -> Result<Option<Bytes>, Error> {
    let mut archive = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        archive.extend_from_slice(&chunk?);
        if archive.len() > limit {
            return Ok(None);
        }
    }
    Ok(Some(archive.freeze()))
}

/// The image that an import made, which its last message names.
async fn last_id(
    messages: impl futures_util::Stream<Item = Result<CreateImageInfo, Error>>,
) -> Result<Option<ImageId>, Error> {
    let mut messages = std::pin::pin!(messages);
    let mut id = None;
    while let Some(message) = next_message(&mut messages).await {
        id = message?.status.filter(|status| status.starts_with("sha256:")).or(id);
    }
    Ok(id.map(ImageId))
}

async fn pull(
    docker: Docker,
    limits: CallLimits,
    image: String,
    credentials: Option<DockerCredentials>,
    mut outlet: Outlet<PullEvent>,
) -> Result<(), RuntimeError> {
    let call = Call::new("pull", &image);
    // Without a tag the engine would pull every tag of that name.
    let (name, tag) = split_tag(&image);
    let options = CreateImageOptionsBuilder::new().from_image(name).tag(tag).build();
    let mut messages = Box::pin(docker.create_image(Some(options), None, credentials));
    while let Some(message) = next_within(limits.silence, &mut messages).await {
        let message = message.map_err(|error| call.build_error(error))?;
        let counts = message
            .progress_detail
            .is_some_and(|progress| progress.current.is_some());
        if let Some(line) = status_line(message.id.as_deref(), message.status.as_deref()).filter(|_| !counts) {
            outlet.put(PullEvent::Line(line)).await;
        }
    }
    Ok(())
}

fn status_line(id: Option<&str>, status: Option<&str>) -> Option<String> {
    let status = status.filter(|status| !status.is_empty())?;
    Some(id.map_or_else(|| status.to_owned(), |id| format!("{id}: {status}")))
}
