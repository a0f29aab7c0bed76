//! What the toy has of the other traits: it knows its one image, and refuses the rest.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use ps_core::runtime::{
    BuildEvent, BuildRequest, ByteStream, CommitSpec, ConnectOutcome, ContainerId, DisconnectOutcome, ExecId, ExecSpec,
    ExitCode, ImageDetail, ImageId, ImageRuntime, NetworkDetail, NetworkRuntime, NetworkSpec, OutputChunk, PullEvent,
    RegistryCredentials, RemoveOutcome, RuntimeError, RuntimeErrorKind, RuntimeStream, TerminalMode, TerminalRuntime,
    TerminalSize,
};

use crate::{IMAGE, ToyRuntime, error};

fn refuse<T>(operation: &'static str, subject: &str) -> Result<T, RuntimeError> {
    Err(error(
        RuntimeErrorKind::Unsupported,
        operation,
        subject,
        "the toy cannot do this",
    ))
}

fn refuse_stream<T: Send + 'static>(operation: &'static str, subject: &str) -> RuntimeStream<T> {
    stream::iter([refuse(operation, subject)]).boxed()
}

#[async_trait]
impl NetworkRuntime for ToyRuntime {
    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), RuntimeError> {
        refuse("make the network", &spec.name)
    }

    async fn inspect_network(&self, name: &str) -> Result<NetworkDetail, RuntimeError> {
        Err(error(
            RuntimeErrorKind::NotFound,
            "inspect",
            name,
            "there are no networks",
        ))
    }

    async fn remove_network(&self, _name: &str) -> Result<RemoveOutcome, RuntimeError> {
        Ok(RemoveOutcome::AlreadyGone)
    }

    async fn connect_container(
        &self,
        _network: &str,
        id: &ContainerId,
        _aliases: &[String],
    ) -> Result<ConnectOutcome, RuntimeError> {
        refuse("connect", &id.0)
    }

    async fn disconnect_container(&self, _network: &str, _id: &ContainerId) -> Result<DisconnectOutcome, RuntimeError> {
        Ok(DisconnectOutcome::AlreadyDisconnected)
    }
}

#[async_trait]
impl ImageRuntime for ToyRuntime {
    fn build_image(&self, request: BuildRequest) -> RuntimeStream<BuildEvent> {
        refuse_stream("build", &request.tag)
    }

    async fn inspect_image(&self, image: &str) -> Result<ImageDetail, RuntimeError> {
        if image != IMAGE {
            return Err(error(
                RuntimeErrorKind::ImageMissing,
                "inspect",
                image,
                "the only image is this machine",
            ));
        }
        Ok(ImageDetail {
            id: Some(ImageId(IMAGE.to_owned())),
            ..ImageDetail::default()
        })
    }

    fn pull_image(&self, image: &str, _credentials: Option<&RegistryCredentials>) -> RuntimeStream<PullEvent> {
        refuse_stream("pull", image)
    }

    async fn import_image(&self, _archive: ByteStream, tag: &str, _: &[String]) -> Result<ImageId, RuntimeError> {
        refuse("import", tag)
    }

    async fn load_image(&self, _archive: ByteStream) -> Result<Vec<String>, RuntimeError> {
        refuse("load", "an archive")
    }

    async fn tag_image(&self, image: &str, _tag: &str) -> Result<(), RuntimeError> {
        refuse("tag", image)
    }

    async fn remove_image(&self, image: &str) -> Result<RemoveOutcome, RuntimeError> {
        refuse("remove", image)
    }

    async fn commit_container(&self, id: &ContainerId, _spec: &CommitSpec) -> Result<ImageId, RuntimeError> {
        refuse("commit", &id.0)
    }

    async fn read_container_file(&self, id: &ContainerId, _path: &str, _limit: usize) -> Result<Bytes, RuntimeError> {
        refuse("read a file of", &id.0)
    }
}

#[async_trait]
impl TerminalRuntime for ToyRuntime {
    async fn create_exec(&self, id: &ContainerId, _spec: &ExecSpec) -> Result<ExecId, RuntimeError> {
        refuse("run a command in", &id.0)
    }

    async fn start_exec(
        &self,
        id: &ExecId,
        _terminal: bool,
        _input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError> {
        refuse("start", &id.0)
    }

    async fn exec_exit_code(&self, id: &ExecId) -> Result<Option<ExitCode>, RuntimeError> {
        refuse("ask for the exit code of", &id.0)
    }

    async fn resize_exec(&self, id: &ExecId, _size: TerminalSize) -> Result<(), RuntimeError> {
        refuse("resize", &id.0)
    }

    async fn attach_container(
        &self,
        id: &ContainerId,
        _mode: TerminalMode,
        _input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError> {
        refuse("attach to", &id.0)
    }

    async fn resize_container(&self, id: &ContainerId, _size: TerminalSize) -> Result<(), RuntimeError> {
        refuse("resize", &id.0)
    }
}
