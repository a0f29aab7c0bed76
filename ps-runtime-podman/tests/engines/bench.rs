//! What a case works on: a connected runtime, an image without a registry, names of its own, and the cleaning up.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use ps_core::runtime::*;
use ps_runtime_podman::{CallLimits, PodmanRuntime};

use crate::Outcome;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Waits for an answer that holds, asking again in short steps.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, limit: Duration, check: impl Fn() -> F) {
    let deadline = Instant::now() + limit;
    while !check().await {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// The error's kind; fails when there is no error.
pub(crate) fn kind<T>(result: Result<T, RuntimeError>) -> RuntimeErrorKind {
    match result {
        Ok(_) => panic!("it worked"),
        Err(error) => error.kind,
    }
}

/// All bytes of both channels.
pub(crate) async fn output(mut chunks: RuntimeStream<OutputChunk>) -> Result<(String, String), RuntimeError> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        let side = if chunk.channel == OutputChannel::Out {
            &mut out
        } else {
            &mut err
        };
        side.extend_from_slice(&chunk.bytes);
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((text(out), text(err)))
}

pub(crate) struct Bench {
    pub(crate) podman: PodmanRuntime,
    /// Fresh for each case; the value of the label `psctl-test` of all it makes.
    pub(crate) prefix: String,
    pub(crate) image: String,
}

impl Bench {
    pub(crate) async fn connect(address: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let podman = PodmanRuntime::connect(&address.parse()?, CallLimits::default()).await?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("pst{}n{number}", std::process::id());
        let image = format!("{prefix}-base:one");
        let root = one_piece(busybox_root(&prefix)?);
        podman.import_image(root, &image, &["CMD [\"sh\"]".to_owned()]).await?;
        Ok(Self { podman, prefix, image })
    }

    pub(crate) fn is_rootless(&self) -> bool {
        self.podman.identity().rootless
    }

    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("psctl-test".to_owned(), self.prefix.clone())])
    }

    /// A container that runs a shell script.
    pub(crate) fn spec(&self, name: &str, script: &str) -> ContainerSpec {
        ContainerSpec {
            command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
            labels: self.labels(),
            ..ContainerSpec::new(self.name(name), &self.image)
        }
    }

    /// A container of that spec that was started.
    pub(crate) async fn started(&self, spec: &ContainerSpec) -> Result<ContainerId, RuntimeError> {
        let id = self.podman.create_container(spec).await?;
        self.podman.start_container(&id).await?;
        Ok(id)
    }

    /// A /24 that no other case of this run uses.
    pub(crate) fn subnet(&self) -> ps_core::addresses::Subnet {
        let third = NEXT.fetch_add(1, Ordering::Relaxed) * 16 + std::process::id() % 16;
        format!("10.{}.{}.0/24", if self.is_rootless() { 227 } else { 226 }, third % 256)
            .parse()
            .expect("a subnet")
    }

    pub(crate) async fn clean_up(&self) -> Outcome {
        let filter = ContainerFilter {
            labels: self.labels(),
            ..ContainerFilter::default()
        };
        for container in self.podman.list_containers(&filter).await? {
            self.podman.remove_container(&container.id).await?;
        }
        self.podman.remove_network(&self.name("net")).await?;
        for image in ["tagged:two", "built:one", "base:one"] {
            self.podman.remove_image(&format!("{}-{image}", self.prefix)).await?;
        }
        let left = self.podman.list_containers(&filter).await?;
        assert!(left.is_empty(), "still there: {left:?}");
        Ok(())
    }
}

/// Bytes as a stream of one piece.
pub(crate) fn one_piece(bytes: impl Into<Bytes>) -> ByteStream {
    let bytes = bytes.into();
    stream::iter([Ok(bytes)]).boxed()
}

/// A tar of files with mode 755.
pub(crate) fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, *content).expect("in memory");
    }
    archive.into_inner().expect("in memory")
}

/// A root tree with a shell. It differs from case to case: Podman 4.3 loses a layer that one call adds while another
/// removes it.
fn busybox_root(difference: &str) -> std::io::Result<Vec<u8>> {
    let mut busybox = Vec::new();
    std::fs::File::open("/bin/busybox")?.read_to_end(&mut busybox)?;
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(busybox.len() as u64);
    archive.append_data(&mut header, "bin/busybox", busybox.as_slice())?;
    for applet in ["sh", "cat", "sleep", "nc", "stty"] {
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        archive.append_link(&mut link, format!("bin/{applet}"), "busybox")?;
    }
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(difference.len() as u64);
    archive.append_data(&mut header, "case", difference.as_bytes())?;
    archive.into_inner()
}
