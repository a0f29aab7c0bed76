//! The fake's images: names, what an image says of itself, and its files.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::world::{Refusal, World, refuse};
use super::{FakeEngine, dockerfile, image_archive, streams, tar_file, tar_files};
use crate::host::Clock;
use crate::runtime::{
    BuildEvent, BuildRequest, ByteStream, CommitSpec, ContainerId, EnvVar, ImageDetail, ImageId, ImageRuntime,
    PullEvent, RegistryCredentials, RemoveOutcome, RuntimeError, RuntimeErrorKind, RuntimeStream,
};

/// An image.
#[derive(Debug, Clone)]
pub(super) struct FakeImage {
    pub(super) id: ImageId,
    pub(super) names: BTreeSet<String>,
    pub(super) detail: ImageDetail,
    pub(super) env: Vec<EnvVar>,
    pub(super) files: BTreeMap<String, Bytes>,
}

impl Default for FakeImage {
    fn default() -> Self {
        Self {
            id: image_id(&0),
            names: BTreeSet::new(),
            detail: ImageDetail::default(),
            env: Vec::new(),
            files: BTreeMap::new(),
        }
    }
}

/// An id that depends on the content alone.
pub(super) fn image_id(content: &impl Hash) -> ImageId {
    let part = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        content.hash(&mut hasher);
        hasher.finish()
    };
    ImageId(format!(
        "sha256:{:016x}{:016x}{:016x}{:016x}",
        part(1),
        part(2),
        part(3),
        part(4)
    ))
}

/// A name with its tag.
fn full_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

impl World {
    /// An image by id, with or without `sha256:`, or by name.
    pub(super) fn image(&self, word: &str) -> Option<&FakeImage> {
        let name = full_name(word);
        let is_meant = |image: &&FakeImage| {
            let bare = image.id.0.trim_start_matches("sha256:");
            image.id.0 == word || bare == word || image.names.contains(&name)
        };
        self.images.iter().find(is_meant)
    }

    pub(super) fn add_image(&mut self, name: &str, detail: ImageDetail) -> ImageId {
        let id = image_id(&self.number());
        self.store_image(
            name,
            FakeImage {
                id,
                detail,
                ..FakeImage::default()
            },
        )
    }

    pub(super) fn add_image_file(&mut self, word: &str, path: &str, content: Bytes) {
        let id = self.image(word).map(|image| image.id.clone());
        if let Some(image) = self.images.iter_mut().find(|image| Some(&image.id) == id.as_ref()) {
            image.files.insert(path.trim_start_matches('/').to_owned(), content);
        }
    }

    /// Stores an image under a name, which it takes from another that has it.
    pub(super) fn store_image(&mut self, name: &str, image: FakeImage) -> ImageId {
        let id = self.keep_image(image);
        self.name_image(&id, name);
        id
    }

    fn keep_image(&mut self, mut image: FakeImage) -> ImageId {
        let id = image.id.clone();
        image.detail.id = Some(id.clone());
        if !self.images.iter().any(|other| other.id == id) {
            self.images.push(image);
        }
        id
    }

    /// Stores an image under its names: these, or its id when it has none.
    fn load_image(&mut self, image: FakeImage, names: Vec<String>) -> Vec<String> {
        let id = self.keep_image(image);
        for name in &names {
            self.name_image(&id, name);
        }
        if names.is_empty() { vec![id.0] } else { names }
    }

    fn name_image(&mut self, id: &ImageId, name: &str) {
        let name = full_name(name);
        for image in &mut self.images {
            image.names.remove(&name);
            if image.id == *id {
                image.names.insert(name.clone());
            }
        }
    }

    fn known_image(&self, word: &str) -> Result<&FakeImage, Refusal> {
        let missing = || (RuntimeErrorKind::ImageMissing, format!("no such image: {word}"));
        self.image(word).ok_or_else(missing)
    }

    fn remove_image(&mut self, word: &str) -> Result<RemoveOutcome, Refusal> {
        let Some(image) = self.image(word) else {
            return Ok(RemoveOutcome::AlreadyGone);
        };
        let (id, name) = (image.id.clone(), full_name(word));
        let is_last = image.names.iter().all(|other| *other == name) || !image.names.contains(&name);
        if is_last && self.containers.values().any(|container| container.image == id) {
            return refuse(RuntimeErrorKind::Conflict, "a container uses the image");
        }
        if is_last {
            self.images.retain(|image| image.id != id);
        } else if let Some(image) = self.images.iter_mut().find(|image| image.id == id) {
            image.names.remove(&name);
        }
        Ok(RemoveOutcome::Removed)
    }

    fn container_file(&self, id: &ContainerId, path: &str, limit: usize) -> Result<Bytes, Refusal> {
        let container = self.container(id)?;
        let image = self.images.iter().find(|known| known.id == container.image);
        let plain = path.trim_start_matches('/');
        let unchanged = || image.and_then(|image| image.files.get(plain));
        let content = container.written.get(plain).or_else(unchanged);
        let Some(content) = content else {
            return refuse(RuntimeErrorKind::NotFound, format!("no such path: {path}"));
        };
        let archive = tar_file(path.rsplit('/').next().unwrap_or(path), content);
        if archive.len() > limit {
            return refuse(
                RuntimeErrorKind::Invalid,
                format!("{path} is larger than {limit} bytes"),
            );
        }
        Ok(archive)
    }
}

impl World {
    fn commit(&mut self, id: &ContainerId, spec: &CommitSpec) -> Result<ImageId, Refusal> {
        let container = self.container(id)?;
        let base = self.images.iter().find(|known| known.id == container.image);
        let mut image = base.cloned().unwrap_or_default();
        image.names.clear();
        image.files.extend(container.written.clone());
        image.env.clone_from(&container.env);
        image.detail.entrypoint.clone_from(&spec.entrypoint);
        image.detail.command.clone_from(&spec.command);
        image.detail.labels.extend(container.spec.labels.clone());
        image.detail.labels.extend(spec.labels.clone());
        image.id = image_id(&self.number());
        Ok(self.store_image(&spec.tag, image))
    }
}

impl FakeEngine {
    /// Everything that is kept of an image but its files, as text.
    pub fn image_record(&self, image: &str) -> Option<String> {
        let world = self.world();
        let image = world.image(image)?;
        let env = image.env.iter().map(|var| format!("{}={}", var.name, var.value));
        Some(format!("{:?} {:?}", image.detail, env.collect::<Vec<_>>()))
    }
}

/// All bytes of a stream.
async fn collect(bytes: ByteStream) -> Result<Vec<u8>, Refusal> {
    let collected = bytes.try_fold(Vec::new(), |mut all, bytes| async move {
        all.extend_from_slice(&bytes);
        Ok(all)
    });
    collected
        .await
        .map_err(|error| (RuntimeErrorKind::Unexpected, error.to_string()))
}

#[async_trait]
impl ImageRuntime for FakeEngine {
    fn build_image(&self, request: BuildRequest) -> RuntimeStream<BuildEvent> {
        let engine = self.clone();
        let built = async move {
            let call = engine.begin_on("build_image", &request.tag).await?;
            let context = collect(request.context).await;
            let built = context.and_then(|context| {
                let files = tar_files(&context);
                dockerfile::build(&mut engine.world(), &files, &request.dockerfile, &request.labels)
            });
            let takes = built.as_ref().map_or(Duration::ZERO, |built| built.takes);
            if !takes.is_zero() {
                engine.clock.sleep(takes).await;
            }
            let result = built.map(|built| (engine.world().store_image(&request.tag, built.image), built.events));
            call.finish(result)
        };
        let events = |built: Result<(ImageId, Vec<BuildEvent>), RuntimeError>| match built {
            Err(error) => vec![Err(error)],
            Ok((id, events)) => events.into_iter().chain([BuildEvent::Built(id)]).map(Ok).collect(),
        };
        stream::once(built)
            .flat_map(move |built| stream::iter(events(built)))
            .boxed()
    }

    async fn inspect_image(&self, image: &str) -> Result<ImageDetail, RuntimeError> {
        let effect = |world: &mut World| Ok(world.known_image(image)?.detail.clone());
        self.call("inspect_image", image, effect).await
    }

    fn pull_image(&self, image: &str, _credentials: Option<&RegistryCredentials>) -> RuntimeStream<PullEvent> {
        let name = image.to_owned();
        let open = move |world: &mut World| {
            let found = world.image(&name).is_some();
            let missing = || refuse(RuntimeErrorKind::BuildFailed, format!("no registry has {name}"));
            if found {
                Ok(Some(PullEvent::Line("up to date".to_owned())))
            } else {
                missing()
            }
        };
        let next = |_: &mut World, line: &mut Option<PullEvent>| Some(line.take());
        streams::stream_of(self.clone(), "pull_image", image.to_owned(), open, next)
    }

    async fn import_image(&self, archive: ByteStream, tag: &str, changes: &[String]) -> Result<ImageId, RuntimeError> {
        let call = self.begin_on("import_image", tag).await?;
        let archive = collect(archive).await;
        call.finish(archive.and_then(|archive| {
            let image = dockerfile::import(tar_files(&archive), changes)?;
            Ok(self.world().store_image(tag, image))
        }))
    }

    async fn load_image(&self, archive: ByteStream) -> Result<Vec<String>, RuntimeError> {
        let call = self.begin_on("load_image", "an archive").await?;
        let archive = collect(archive).await;
        call.finish(archive.and_then(|archive| {
            let images = image_archive::read(&archive)?;
            let load = |(image, names)| self.world().load_image(image, names);
            Ok(images.into_iter().flat_map(load).collect())
        }))
    }

    async fn tag_image(&self, image: &str, tag: &str) -> Result<(), RuntimeError> {
        let effect = |world: &mut World| {
            let id = world.known_image(image)?.id.clone();
            world.name_image(&id, tag);
            Ok(())
        };
        self.call("tag_image", image, effect).await
    }

    async fn remove_image(&self, image: &str) -> Result<RemoveOutcome, RuntimeError> {
        self.call("remove_image", image, |world| world.remove_image(image))
            .await
    }

    async fn commit_container(&self, id: &ContainerId, spec: &CommitSpec) -> Result<ImageId, RuntimeError> {
        self.call("commit_container", &id.0, |world| world.commit(id, spec))
            .await
    }

    async fn read_container_file(&self, id: &ContainerId, path: &str, limit: usize) -> Result<Bytes, RuntimeError> {
        let effect = |world: &mut World| world.container_file(id, path, limit);
        self.call("read_container_file", &id.0, effect).await
    }
}
