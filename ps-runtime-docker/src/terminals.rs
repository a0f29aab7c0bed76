//! Commands in running containers and the container's own terminal, over connections that the engine hands over.
//!
//! Without a terminal the engine sends frames: a channel, a length, the bytes. With one it sends the bytes as they are; bollard
//! tells the two apart by the first byte, which loses what a terminal sends below 3, so the frames are read here.

use async_trait::async_trait;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::ExecConfig;
use bollard::query_parameters::{ResizeContainerTTYOptionsBuilder, ResizeExecOptionsBuilder};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use hyper::header::CONTENT_TYPE;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use ps_core::runtime::{
    ByteStream, ContainerId, ExecId, ExecSpec, ExitCode, OutputChannel, OutputChunk, RuntimeError, RuntimeErrorKind,
    RuntimeStream, TerminalMode, TerminalRuntime, TerminalSize,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::task::AbortHandle;

use crate::DockerRuntime;
use crate::classify_error::Call;
use crate::runtime::on_container;
use crate::translate::is_plain_word;

type Connection = TokioIo<Upgraded>;

#[async_trait]
impl TerminalRuntime for DockerRuntime {
    async fn create_exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<ExecId, RuntimeError> {
        let (call, word) = on_container("prepare a command in", id)?;
        let config = ExecConfig {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(spec.terminal),
            cmd: Some(spec.command.clone()),
            env: Some(
                spec.env
                    .iter()
                    .map(|var| format!("{}={}", var.name, var.value))
                    .collect(),
            ),
            ..ExecConfig::default()
        };
        let created = call
            .bounded(self.limits.change, self.docker.create_exec(word, config))
            .await?;
        Ok(ExecId(created.id))
    }

    async fn start_exec(
        &self,
        id: &ExecId,
        terminal: bool,
        input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError> {
        let (call, word) = on_exec("run a command", id)?;
        let body = serde_json::json!({ "Detach": false, "Tty": terminal }).to_string();
        let path = format!("/exec/{word}/start");
        let connection = self.raw(&path, Bytes::from(body));
        let connection = call.bounded(self.limits.change, connection).await?;
        Ok(connected(connection, terminal, input, call))
    }

    async fn exec_exit_code(&self, id: &ExecId) -> Result<Option<ExitCode>, RuntimeError> {
        let (call, word) = on_exec("look at a command", id)?;
        let exec = call.bounded(self.limits.look, self.docker.inspect_exec(word)).await?;
        Ok(exec.exit_code.filter(|_| exec.running != Some(true)).map(ExitCode))
    }

    async fn resize_exec(&self, id: &ExecId, size: TerminalSize) -> Result<(), RuntimeError> {
        let (call, word) = on_exec("resize a command", id)?;
        let options = ResizeExecOptionsBuilder::new()
            .h(size.rows.into())
            .w(size.columns.into())
            .build();
        call.bounded(self.limits.look, self.docker.resize_exec(word, options))
            .await
    }

    async fn attach_container(
        &self,
        id: &ContainerId,
        mode: TerminalMode,
        input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError> {
        let (call, word) = on_container("attach to", id)?;
        let path = format!("/containers/{word}/attach?logs=0&stream=1&stdin=1&stdout=1&stderr=1");
        let connection = call.bounded(self.limits.change, self.raw(&path, Bytes::new())).await?;
        Ok(connected(connection, mode == TerminalMode::Terminal, input, call))
    }

    async fn resize_container(&self, id: &ContainerId, size: TerminalSize) -> Result<(), RuntimeError> {
        let (call, word) = on_container("resize", id)?;
        let options = ResizeContainerTTYOptionsBuilder::new()
            .h(size.rows.into())
            .w(size.columns.into())
            .build();
        call.bounded(self.limits.look, self.docker.resize_container_tty(word, options))
            .await
    }
}

impl DockerRuntime {
    /// A connection that carries a process's bytes.
    async fn raw(&self, path: &str, body: Bytes) -> Result<Connection, Error> {
        let request = Request::builder().method(Method::POST).uri(path);
        let request = request.header(CONTENT_TYPE, "application/json");
        self.transport.upgrade(request, "tcp", body).await
    }
}

fn on_exec<'a>(operation: &'static str, id: &'a ExecId) -> Result<(Call<'a>, &'a str), RuntimeError> {
    let call = Call::new(operation, &id.0);
    let is_word = is_plain_word(&id.0) && !id.0.contains('/');
    is_word
        .then_some((call, id.0.as_str()))
        .ok_or_else(|| call.failed(RuntimeErrorKind::NotFound))
}

/// A piece of a log.
pub(crate) fn output_chunk(output: LogOutput) -> OutputChunk {
    let channel = match output {
        LogOutput::StdErr { .. } => OutputChannel::Err,
        _ => OutputChannel::Out,
    };
    OutputChunk {
        channel,
        bytes: output.into_bytes(),
    }
}

/// The two directions of a connection: input is sent on while the returned stream of output lives.
fn connected(connection: Connection, terminal: bool, input: ByteStream, call: Call<'_>) -> RuntimeStream<OutputChunk> {
    let (reader, writer) = tokio::io::split(connection);
    let sending = SendingInput(tokio::spawn(send_input(input, writer)).abort_handle());
    let frames = if terminal { Frames::Unframed } else { Frames::Header };
    let output = Output {
        reader,
        received: BytesMut::with_capacity(8 * 1024),
        frames,
        _sending: sending,
    };
    let subject = call.subject().to_owned();
    let chunks = stream::unfold(Some(output), async |output| {
        let mut output = output?;
        match output.next_chunk().await {
            Ok(chunk) => Some((Ok(chunk?), Some(output))),
            Err(error) => Some((Err(error), None)),
        }
    });
    let lost = move |error: std::io::Error| {
        Call::new("read the output of", &subject)
            .failed(RuntimeErrorKind::OutcomeUnknown)
            .because(error)
    };
    chunks.map(move |chunk| chunk.map_err(&lost)).boxed()
}

/// Sends input until it ends or nobody takes it, then closes the process's standard input.
async fn send_input(mut input: ByteStream, mut writer: WriteHalf<Connection>) {
    while let Some(Ok(bytes)) = input.next().await {
        // A process that ended takes no input; its output says so.
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}

/// Ends the sending of input when the output is not wanted any more.
struct SendingInput(AbortHandle);

impl Drop for SendingInput {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Output {
    reader: ReadHalf<Connection>,
    received: BytesMut,
    frames: Frames,
    _sending: SendingInput,
}

impl Output {
    async fn next_chunk(&mut self) -> std::io::Result<Option<OutputChunk>> {
        loop {
            if let Some(chunk) = self.frames.next_chunk(&mut self.received) {
                return Ok(Some(chunk));
            }
            if self.reader.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// How the bytes are to be read.
#[derive(Debug, Clone, Copy)]
enum Frames {
    /// A terminal: all bytes are output.
    Unframed,
    /// The next eight bytes are a frame's header.
    Header,
    /// So many bytes of a frame are to come.
    Payload(OutputChannel, usize),
}

impl Frames {
    /// The next piece of what was received, without waiting for the whole frame.
    fn next_chunk(&mut self, received: &mut BytesMut) -> Option<OutputChunk> {
        loop {
            match *self {
                Self::Payload(_, 0) => *self = Self::Header,
                Self::Header => {
                    let header: [u8; 8] = received.get(..8)?.try_into().ok()?;
                    received.advance(header.len());
                    let [channel, _, _, _, length @ ..] = header;
                    let channel = if channel == 2 {
                        OutputChannel::Err
                    } else {
                        OutputChannel::Out
                    };
                    *self = Self::Payload(channel, usize::try_from(u32::from_be_bytes(length)).ok()?);
                }
                Self::Payload(channel, missing) => {
                    let bytes = received.split_to(missing.min(received.len())).freeze();
                    *self = Self::Payload(channel, missing - bytes.len());
                    return (!bytes.is_empty()).then_some(OutputChunk { channel, bytes });
                }
                Self::Unframed => {
                    let bytes = received.split().freeze();
                    return (!bytes.is_empty()).then_some(OutputChunk {
                        channel: OutputChannel::Out,
                        bytes,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(frames: &mut Frames, received: &mut BytesMut, bytes: &[u8]) -> Vec<(OutputChannel, Vec<u8>)> {
        received.extend_from_slice(bytes);
        let next = || {
            frames
                .next_chunk(received)
                .map(|chunk| (chunk.channel, chunk.bytes.to_vec()))
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn frames_are_told_apart_wherever_they_are_cut() {
        let wire = b"\x01\0\0\0\0\0\0\x02ab\x02\0\0\0\0\0\0\x01c\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x01d";
        for cut in 0..wire.len() {
            let (mut frames, mut received) = (Frames::Header, BytesMut::new());
            let mut found = chunks(&mut frames, &mut received, &wire[..cut]);
            found.extend(chunks(&mut frames, &mut received, &wire[cut..]));
            let of = |wanted| {
                found
                    .iter()
                    .filter(move |(channel, _)| *channel == wanted)
                    .flat_map(|(_, b)| b.clone())
            };
            assert_eq!(of(OutputChannel::Out).collect::<Vec<u8>>(), b"abd", "cut at {cut}");
            assert_eq!(of(OutputChannel::Err).collect::<Vec<u8>>(), b"c", "cut at {cut}");
        }
    }

    #[test]
    fn a_terminal_may_send_any_byte_first() {
        let found = chunks(&mut Frames::Unframed, &mut BytesMut::new(), b"\x01\x02\0");
        assert_eq!(found, [(OutputChannel::Out, b"\x01\x02\0".to_vec())]);
    }
}
