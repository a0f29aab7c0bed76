//! Terminals, through podman-api: it upgrades the connection and takes the output apart. Input is pumped by a task that
//! ends with the output.

use std::sync::PoisonError;

use async_trait::async_trait;
use futures_util::io::{AsyncWrite, AsyncWriteExt};
use futures_util::stream;
use futures_util::{Stream, StreamExt};
use podman_api::api::Exec;
use podman_api::conn::{Multiplexer, TtyChunk};
use podman_api::opts::{ContainerAttachOpts, ExecCreateOpts, ExecStartOpts};
use ps_core::runtime::{
    ByteStream, ContainerId, ExecId, ExecSpec, ExitCode, OutputChannel, OutputChunk, RuntimeError, RuntimeErrorKind,
    RuntimeStream, TerminalMode, TerminalRuntime, TerminalSize,
};
use tokio::task::JoinHandle;

use crate::call::escape;
use crate::classify_error::{Failure, RUNTIME};
use crate::runtime::PodmanRuntime;

#[async_trait]
impl TerminalRuntime for PodmanRuntime {
    async fn create_exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<ExecId, RuntimeError> {
        let options = ExecCreateOpts::builder()
            .command(&spec.command)
            .env(spec.env.iter().map(|variable| (&variable.name, &variable.value)))
            .tty(spec.terminal)
            .attach_stdin(true)
            .attach_stdout(true)
            .attach_stderr(true)
            .build();
        let container = self.podman.containers().get(escape(&id.0));
        let exec = self
            .through(self.limits.answer, container.create_exec(&options))
            .await
            .map_err(|failure| failure.into_error("prepare a command in", &id.0))?;
        let exec_id = ExecId(exec.id().to_string());
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.insert(exec_id.0.clone(), exec);
        Ok(exec_id)
    }

    async fn start_exec(
        &self,
        id: &ExecId,
        terminal: bool,
        input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError> {
        const OPERATION: &str = "run command";
        let exec = self.take_prepared(id).ok_or_else(|| {
            RuntimeError::new(RuntimeErrorKind::NotFound, RUNTIME, OPERATION, &id.0)
                .because("no such command was prepared here, or it was started already")
        })?;
        let options = ExecStartOpts::builder().tty(terminal).detach(false).build();
        let started = self.through(self.limits.work, exec.start(&options)).await;
        match started {
            Ok(Some(connection)) => Ok(connect(connection, input, OPERATION, &id.0)),
            Ok(None) => Err(Failure::Unreadable("the command runs detached".to_owned()).into_error(OPERATION, &id.0)),
            Err(failure) => Err(failure.into_error(OPERATION, &id.0)),
        }
    }

    async fn exec_exit_code(&self, id: &ExecId) -> Result<Option<ExitCode>, RuntimeError> {
        let exec = self.podman.execs().get(escape(&id.0));
        let document = self
            .through(self.limits.answer, exec.inspect())
            .await
            .map_err(|failure| failure.into_error("inspect command", &id.0))?;
        let is_running = document.get("Running").and_then(serde_json::Value::as_bool);
        let code = document.get("ExitCode").and_then(serde_json::Value::as_i64);
        // A command that was never started has a code too, and no process.
        let has_ended = is_running == Some(false) && !self.is_prepared(id);
        Ok(code.filter(|_| has_ended).map(ExitCode))
    }

    async fn resize_exec(&self, id: &ExecId, size: TerminalSize) -> Result<(), RuntimeError> {
        let exec = self.podman.execs().get(escape(&id.0));
        let (columns, rows) = (usize::from(size.columns), usize::from(size.rows));
        self.through(self.limits.answer, exec.resize(columns, rows))
            .await
            .map_err(|failure| failure.into_error("resize the terminal of command", &id.0))
    }

    async fn attach_container(
        &self,
        id: &ContainerId,
        mode: TerminalMode,
        input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError> {
        const OPERATION: &str = "attach to";
        let options = ContainerAttachOpts::builder()
            .stdin(mode != TerminalMode::Detached)
            .stdout(true)
            .stderr(true)
            .build();
        let container = self.podman.containers().get(escape(&id.0));
        let attached = self.through(self.limits.work, container.attach(&options)).await;
        attached
            .map(|connection| connect(connection, input, OPERATION, &id.0))
            .map_err(|failure| failure.into_error(OPERATION, &id.0))
    }

    async fn resize_container(&self, id: &ContainerId, size: TerminalSize) -> Result<(), RuntimeError> {
        let container = self.podman.containers().get(escape(&id.0));
        let (columns, rows) = (usize::from(size.columns), usize::from(size.rows));
        self.through(self.limits.answer, container.resize(columns, rows))
            .await
            .map_err(|failure| failure.into_error("resize the terminal of", &id.0))
    }
}

impl PodmanRuntime {
    fn take_prepared(&self, id: &ExecId) -> Option<Exec> {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.remove(&id.0)
    }

    fn is_prepared(&self, id: &ExecId) -> bool {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.contains_key(&id.0)
    }
}

/// The task that sends input; it ends when this is dropped.
struct Pump(JoinHandle<()>);

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn connect(
    connection: Multiplexer,
    input: ByteStream,
    operation: &'static str,
    subject: &str,
) -> RuntimeStream<OutputChunk> {
    let (output, writer) = connection.split();
    let pump = Pump(tokio::spawn(send_input(input, writer)));
    let subject = subject.to_owned();
    output_chunks(output, pump)
        .map(move |result| result.map_err(|failure| failure.into_error(operation, &subject)))
        .boxed()
}

/// Sends until the input ends, then closes it for the process. An input that fails is an input that ends.
async fn send_input(mut input: ByteStream, writer: impl AsyncWrite) {
    let mut writer = std::pin::pin!(writer);
    while let Some(Ok(bytes)) = input.next().await {
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            // The process is gone; its output tells the rest.
            return;
        }
    }
    let _ = writer.close().await;
}

fn output_chunks(
    output: impl Stream<Item = Result<TtyChunk, podman_api::conn::Error>> + Send + 'static,
    pump: Pump,
) -> impl Stream<Item = Result<OutputChunk, Failure>> + Send {
    let state = (Box::pin(output), pump);
    stream::unfold(state, |(mut output, pump)| async move {
        let chunk = output.next().await?;
        let chunk = chunk.map_err(|error| Failure::from(podman_api::Error::from(error)));
        Some((chunk.map(output_chunk), (output, pump)))
    })
}

fn output_chunk(chunk: TtyChunk) -> OutputChunk {
    let channel = match chunk {
        TtyChunk::StdErr(_) => OutputChannel::Err,
        TtyChunk::StdOut(_) | TtyChunk::StdIn(_) => OutputChannel::Out,
    };
    OutputChunk {
        channel,
        bytes: Vec::from(chunk).into(),
    }
}
