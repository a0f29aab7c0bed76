//! A directory as a build context. Invariant: what was checked is what is sent: the same root, Dockerfile and patterns at each
//! opening.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, stream};
use ps_core::runtime::ByteStream;
use ps_core::source::{BuildContext, SourceError};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::context_digest::ContextDigest;
use crate::context_tar::{CHUNKS_AHEAD, write_context};
use crate::context_walk::walk_context;
use crate::dockerignore::DockerIgnore;
use crate::refusal::{invalid_file, no_dockerfile, refused};
use crate::source_root::SourceRoot;

const DOCKERFILE: &str = "Dockerfile";
const IGNORE_FILE: &str = ".dockerignore";

/// A directory that has a Dockerfile and holds nothing that cannot be sent.
#[derive(Debug, Clone)]
pub(crate) struct DirectoryContext {
    root: SourceRoot,
    dockerfile: String,
    ignore: DockerIgnore,
    modified: Option<u64>,
    /// Of a tree that was made for this; the last one to let go of it removes it.
    kept_until_dropped: Option<Arc<TempDir>>,
}

impl DirectoryContext {
    /// Looks at everything that would be sent, and reads nothing but `.dockerignore`.
    pub(crate) fn check(root: SourceRoot) -> Result<Self, SourceError> {
        let Some(dockerfile) = root.find_file(DOCKERFILE)? else {
            let message = format!("there is no {DOCKERFILE} in {}", root.shown());
            let hint = "add a Dockerfile at its root, or deploy an image with git:from-image";
            return Err(no_dockerfile(message, hint));
        };
        let dockerfile = dockerfile.into_os_string().into_string().map_err(|name| {
            let hint = "give the file a name in UTF-8";
            refused(
                format!("the Dockerfile is a link to {}, which is not UTF-8", name.display()),
                hint,
            )
        })?;
        let ignore_file = root.read_file(IGNORE_FILE)?.unwrap_or_default();
        let mut ignore = DockerIgnore::parse(&ignore_file).map_err(|error| invalid_file(error.to_string()))?;
        // The engine needs both to build; it leaves them out of the image itself.
        ignore.bring_back(IGNORE_FILE);
        ignore.bring_back(&dockerfile);
        walk_context(root.path(), &ignore, &mut |_| Ok(())).map_err(SourceError::from)?;
        Ok(Self {
            root,
            dockerfile,
            ignore,
            modified: None,
            kept_until_dropped: None,
        })
    }

    /// Removes a temporary directory when the last copy of the context is dropped.
    pub(crate) fn holding(mut self, directory: TempDir) -> Self {
        self.kept_until_dropped = Some(Arc::new(directory));
        self
    }

    /// Sends this time, in seconds since 1970, for everything: a repository keeps none, and engines may look at it when
    /// they decide whether they have built the same before.
    pub(crate) fn modified_at(mut self, seconds: u64) -> Self {
        self.modified = Some(seconds);
        self
    }

    /// The digest of what would be sent now; reads every file. Blocks.
    pub(crate) fn digest(&self) -> Result<String, SourceError> {
        let mut digest = ContextDigest::new(&self.dockerfile);
        walk_context(self.root.path(), &self.ignore, &mut |entry| digest.add(entry)).map_err(SourceError::from)?;
        Ok(digest.finish())
    }
}

impl BuildContext for DirectoryContext {
    fn dockerfile(&self) -> String {
        self.dockerfile.clone()
    }

    fn open(&self) -> ByteStream {
        let context = self.clone();
        let opening = async move {
            let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
            tokio::task::spawn_blocking(move || {
                write_context(context.root.path(), &context.ignore, context.modified, &sender);
            });
            stream::unfold(receiver, |mut receiver| async {
                receiver.recv().await.map(|chunk| (chunk, receiver))
            })
        };
        opening.flatten_stream().boxed()
    }
}
