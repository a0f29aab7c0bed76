//! Where a case works: an engine, a base image, and a prefix of its own. Invariant: after [`Bench::clean`] nothing with the prefix
//! exists any more, else the case has failed.

use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use ps_core::addresses::Subnet;
use ps_core::host::{Clock, Host};
use ps_core::runtime::{
    ByteStream, ContainerFilter, ContainerId, ContainerSpec, ContainerState, Engine, NetworkSpec, OutputChannel,
    OutputChunk, RuntimeError, RuntimeErrorKind, RuntimeStream,
};

use super::{Breakage, EngineUnderTest, Failure, Program, Verdict};

/// The label that every container of a case has, with the case's prefix as its value.
pub(super) const LABEL: &str = "dev.psctl.test";

/// The longest that something may take which should happen soon.
const SOON: Duration = Duration::from_secs(20);

static NEXT_SUBNET: AtomicU32 = AtomicU32::new(0);

/// What a case is given.
pub struct Bench {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its host.
    pub host: Arc<dyn Host>,
    /// A base image with a shell and the usual small programs.
    pub image: String,
    prefix: String,
    subject: Arc<dyn EngineUnderTest>,
    networks: Mutex<Vec<String>>,
    images: Mutex<Vec<String>>,
}

impl Bench {
    pub(super) fn new(subject: Arc<dyn EngineUnderTest>, engine: Arc<dyn Engine>, image: &str, prefix: &str) -> Self {
        Self {
            engine,
            clock: subject.clock(),
            host: subject.host(),
            image: image.to_owned(),
            prefix: prefix.to_owned(),
            subject,
            networks: Mutex::default(),
            images: Mutex::default(),
        }
    }

    /// A container or network name of this case.
    pub fn name(&self, word: &str) -> String {
        format!("{}.{word}", self.prefix)
    }

    /// An image name of this case; it is removed afterwards.
    pub fn image_name(&self, word: &str) -> String {
        let name = format!("{}:{word}", self.prefix);
        push(&self.images, &name);
        name
    }

    /// A filter for the containers of this case.
    pub fn filter(&self) -> ContainerFilter {
        ContainerFilter::with_label(LABEL, &self.prefix)
    }

    /// What a container of this case is made of.
    pub fn spec(&self, word: &str, program: &Program) -> ContainerSpec {
        self.teach(program);
        let mut spec = ContainerSpec::new(self.name(word), &self.image);
        spec.labels.insert(LABEL.to_owned(), self.prefix.clone());
        spec.command = Some(program.words.clone());
        spec
    }

    /// Tells a fake what a program does.
    pub fn teach(&self, program: &Program) {
        self.subject.teach(&program.words.join(" "), &program.script);
    }

    /// Tells a fake what a line of a Dockerfile's `RUN` does.
    pub fn teach_line(&self, line: &str, program: &Program) {
        self.subject.teach(line, &program.script);
    }

    /// Makes a container.
    pub async fn create(&self, word: &str, program: &Program) -> Result<ContainerId, RuntimeError> {
        self.engine.create_container(&self.spec(word, program)).await
    }

    /// Makes a container and starts it.
    pub async fn start(&self, word: &str, program: &Program) -> Result<ContainerId, RuntimeError> {
        self.start_spec(&self.spec(word, program)).await
    }

    /// Makes a container, starts it, and waits until its program says `ready`, so that a signal finds its trap.
    pub async fn start_ready(&self, program: &Program) -> Result<ContainerId, Failure> {
        let id = self.start("a", program).await?;
        let is_ready = async || Ok(self.logs(&id, None).await?.0.contains("ready").then_some(()));
        self.eventually("the program's word", is_ready).await?;
        Ok(id)
    }

    /// Makes a container of a spec and starts it.
    pub async fn start_spec(&self, spec: &ContainerSpec) -> Result<ContainerId, RuntimeError> {
        let id = self.engine.create_container(spec).await?;
        self.engine.start_container(&id).await?;
        Ok(id)
    }

    /// Starts a container, waits for its end, and returns what it wrote to standard output.
    pub async fn output_of(&self, spec: &ContainerSpec) -> Result<String, Failure> {
        let id = self.start_spec(spec).await?;
        self.engine.wait_container(&id).await?;
        let output = self.logs(&id, None).await?;
        Ok(output.0)
    }

    /// What a container has written: standard output, standard error.
    pub async fn logs(&self, id: &ContainerId, tail: Option<u32>) -> Result<(String, String), RuntimeError> {
        let options = ps_core::runtime::LogOptions { follow: false, tail };
        read_output(self.engine.read_logs(id, options)).await
    }

    /// Makes a network with a subnet that no other has.
    pub async fn network(&self, word: &str) -> Result<NetworkSpec, RuntimeError> {
        loop {
            let spec = self.network_spec(word);
            match self.engine.create_network(&spec).await {
                // Another run on this machine has the subnet.
                Err(error) if error.kind == RuntimeErrorKind::AddressInUse => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(spec),
            }
        }
    }

    /// What a network of this case is made of, with the next subnet; it is removed afterwards.
    pub fn network_spec(&self, word: &str) -> NetworkSpec {
        let first = std::process::id().wrapping_mul(17);
        let number = first.wrapping_add(NEXT_SUBNET.fetch_add(1, Ordering::Relaxed)) % 4096;
        let subnet = subnet(number);
        let name = self.name(word);
        push(&self.networks, &name);
        NetworkSpec {
            name,
            subnet: Some(subnet),
            resolves_aliases: false,
            labels: [(LABEL.to_owned(), self.prefix.clone())].into(),
        }
    }

    /// Everything that the engine tells of an image, as text.
    pub async fn image_record(&self, image: &str) -> Result<String, Failure> {
        self.subject.image_record(image).await
    }

    /// Connects again, in a way that breaks.
    pub async fn broken(&self, breakage: Breakage) -> Result<Arc<dyn Engine>, Failure> {
        self.subject.connect_broken(breakage).await
    }

    /// The time since a moment of the monotonic clock.
    pub fn since(&self, begun: Duration) -> Duration {
        self.clock.monotonic().saturating_sub(begun)
    }

    /// Waits until the check gives something; fails when it takes too long.
    pub async fn eventually<T, F>(&self, what: &str, mut check: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<Option<T>, Failure>>,
    {
        let end = self.clock.monotonic() + SOON;
        loop {
            if let Some(found) = check().await? {
                return Ok(found);
            }
            if self.clock.monotonic() >= end {
                return Err(format!("{what} did not happen within {SOON:?}").into());
            }
            self.clock.sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a container is in a state.
    pub async fn reaches(&self, id: &ContainerId, state: ContainerState) -> Verdict {
        let check = async || {
            let detail = self.engine.inspect_container(id).await?;
            Ok((detail.state == state).then_some(()))
        };
        self.eventually(&format!("the state {state}"), check).await
    }

    /// Makes sure that a container stays in a state for a second and a half.
    pub async fn stays(&self, id: &ContainerId, state: ContainerState) -> Verdict {
        let end = self.clock.monotonic() + Duration::from_millis(1500);
        while self.clock.monotonic() < end {
            let detail = self.engine.inspect_container(id).await?;
            if detail.state != state {
                return Err(format!("it is {} and not {state}", detail.state).into());
            }
            self.clock.sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Removes everything of this case, and checks that it is gone.
    pub(super) async fn clean(&self) -> Verdict {
        for container in self.leftovers().await? {
            // A removal that meets the end of a process in a crash loop may have to be asked for again.
            let remove = async || match self.engine.remove_container(&container).await {
                Err(error) if error.kind == RuntimeErrorKind::Conflict => Ok(None),
                removed => Ok(Some(removed?)),
            };
            self.eventually("removing a container of the case", remove).await?;
        }
        // A case that gave up its own removal midway leaves it to the engine, which still lists the container.
        let is_clean = async || Ok(self.leftovers().await?.is_empty().then_some(()));
        self.eventually("the end of the containers of the case", is_clean)
            .await?;
        for network in taken(&self.networks) {
            self.engine.remove_network(&network).await?;
            let left = self.engine.inspect_network(&network).await;
            if kind_of(&left) != Some(RuntimeErrorKind::NotFound) {
                return Err(format!("the network {network} is left").into());
            }
        }
        for image in taken(&self.images) {
            self.engine.remove_image(&image).await?;
            let left = self.engine.inspect_image(&image).await;
            if kind_of(&left) != Some(RuntimeErrorKind::ImageMissing) {
                return Err(format!("the image {image} is left").into());
            }
        }
        Ok(())
    }

    async fn leftovers(&self) -> Result<Vec<ContainerId>, RuntimeError> {
        let start = self.name("");
        let all = self.engine.list_containers(&ContainerFilter::default()).await?;
        let ours = all.into_iter().filter(|container| container.name.starts_with(&start));
        Ok(ours.map(|container| container.id).collect())
    }
}

/// One of 4096 subnets of 16 addresses.
fn subnet(number: u32) -> Subnet {
    let text = format!("10.213.{}.{}/28", number / 16 % 256, number % 16 * 16);
    #[expect(clippy::expect_used, reason = "the text always has the form of a subnet")]
    text.parse().expect("a subnet")
}

fn push(names: &Mutex<Vec<String>>, name: &str) {
    names
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(name.to_owned());
}

fn taken(names: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut names.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The kind of a failure; `None` when it went well.
pub(super) fn kind_of<T>(result: &Result<T, RuntimeError>) -> Option<RuntimeErrorKind> {
    result.as_ref().err().map(|error| error.kind)
}

/// Everything a stream of output carries: standard output, standard error.
pub(super) async fn read_output(mut output: RuntimeStream<OutputChunk>) -> Result<(String, String), RuntimeError> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(chunk) = output.try_next().await? {
        match chunk.channel {
            OutputChannel::Out => out.extend_from_slice(&chunk.bytes),
            OutputChannel::Err => err.extend_from_slice(&chunk.bytes),
        }
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(&out), text(&err)))
}

/// Bytes as a stream that ends.
pub(super) fn stream_of(bytes: impl Into<Bytes>) -> ByteStream {
    stream::iter([Ok(bytes.into())]).boxed()
}

/// A tar archive of files with their modes.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Result<Bytes, Failure> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        append(&mut builder, path, content, 0o644)?;
    }
    Ok(builder.into_inner()?.into())
}

fn append(builder: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8], mode: u32) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
    header.set_mode(mode);
    builder.append_data(&mut header, path, content)
}

/// The programs of the base image, all of them names of one static busybox.
const PROGRAMS: [&str; 16] = [
    "cat", "echo", "env", "false", "httpd", "kill", "ls", "mkdir", "nc", "printenv", "ps", "sh", "sleep", "stty",
    "true", "wget",
];

/// A root tree for the base image as a tar archive, made of a static busybox.
pub fn base_image(busybox: &Path) -> Result<Bytes, Failure> {
    let mut builder = tar::Builder::new(Vec::new());
    for folder in ["bin/", "dev/", "etc/", "proc/", "sys/", "tmp/"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(if folder == "tmp/" { 0o1777 } else { 0o755 });
        builder.append_data(&mut header, folder, std::io::empty())?;
    }
    append(&mut builder, "bin/busybox", &std::fs::read(busybox)?, 0o755)?;
    for program in PROGRAMS {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        builder.append_link(&mut header, format!("bin/{program}"), "busybox")?;
    }
    append(&mut builder, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\n", 0o644)?;
    append(&mut builder, "etc/group", b"root:x:0:\n", 0o644)?;
    Ok(builder.into_inner()?.into())
}
