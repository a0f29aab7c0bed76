//! What a case works with: the engine, a base image, a network and a prefix of its own, all removed afterwards.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::process::id;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use libtest_mimic::Failed;
use ps_core::addresses::Subnet;
use ps_core::policies::Ulimit;
use ps_core::runtime::{
    ByteStream, ContainerFilter, ContainerId, ContainerRuntime, ContainerSpec, ImageRuntime, NetworkAttachment,
    NetworkRuntime, NetworkSpec, OutputChunk, RuntimeStream,
};
use ps_runtime_docker::DockerRuntime;

/// One case's place on the engine.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) docker: DockerRuntime,
    pub(crate) prefix: String,
    pub(crate) subnet: Subnet,
}

const LABEL: &str = "dev.psctl.test";

impl Bench {
    pub(crate) fn name(&self, word: &str) -> String {
        format!("{}.{word}", self.prefix)
    }

    pub(crate) fn image(&self) -> String {
        format!("{}:base", self.prefix)
    }

    pub(crate) fn filter(&self) -> ContainerFilter {
        ContainerFilter::with_label(LABEL, &self.prefix)
    }

    /// The `index`-th free address of the case's network.
    pub(crate) fn address(&self, index: usize) -> std::net::Ipv4Addr {
        self.subnet.hosts().nth(index).expect("an address")
    }

    pub(crate) fn spec(&self, word: &str, command: &[&str]) -> ContainerSpec {
        let network = NetworkAttachment {
            network: self.prefix.clone(),
            address: None,
        };
        ContainerSpec {
            command: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            labels: BTreeMap::from([(LABEL.to_owned(), self.prefix.clone())]),
            network: Some(network),
            ulimits: vec![Ulimit {
                name: "nofile".into(),
                soft: 1024,
                hard: 1024,
            }],
            init: true,
            ..ContainerSpec::new(self.name(word), self.image())
        }
    }

    /// A container that runs a script.
    pub(crate) async fn started(&self, word: &str, script: &str) -> ContainerId {
        let id = self
            .docker
            .create_container(&self.spec(word, &["sh", "-c", script]))
            .await
            .unwrap();
        self.docker.start_container(&id).await.unwrap();
        id
    }

    async fn prepare(&self) {
        let network = NetworkSpec {
            name: self.prefix.clone(),
            subnet: Some(self.subnet),
            resolves_aliases: false,
            labels: BTreeMap::new(),
        };
        self.docker.create_network(&network).await.unwrap();
        let changes = ["ENV PATH=/bin".to_owned(), "CMD [\"sh\"]".to_owned()];
        self.docker
            .import_image(bytes(&base_archive()), &self.image(), &changes)
            .await
            .unwrap();
    }

    async fn clean(&self) -> Result<(), Failed> {
        for container in self.docker.list_containers(&self.filter()).await? {
            self.docker.remove_container(&container.id).await?;
        }
        self.docker.remove_network(&self.prefix).await?;
        self.docker.remove_image(&self.image()).await?;
        let left = self.docker.list_containers(&self.filter()).await?;
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("left behind: {left:?}").into())
        }
    }
}

/// Runs one case and cleans up after it, whether it passed or not.
pub(crate) async fn run(
    docker: DockerRuntime,
    name: &str,
    case: fn(Bench) -> LocalBoxFuture<'static, ()>,
) -> Result<(), Failed> {
    static COUNT: AtomicU8 = AtomicU8::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let subnet = format!("10.{}.{count}.0/24", 180 + id() % 60)
        .parse()
        .expect("a subnet");
    let bench = Bench {
        docker,
        prefix: format!("psd{}-{count}", id()),
        subnet,
    };
    let work = async {
        bench.prepare().await;
        tokio::time::timeout(Duration::from_secs(60), case(bench.clone()))
            .await
            .expect("the case ends");
    };
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    bench.clean().await?;
    outcome.map_err(|_| Failed::from(format!("{name} panicked, see above")))
}

/// Waits for something that another process does.
pub(crate) async fn eventually(limit: Duration, mut check: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !check().await {
        assert!(start.elapsed() < limit, "not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A whole stream of output as text.
pub(crate) async fn text(mut output: RuntimeStream<OutputChunk>) -> String {
    let mut all = Vec::new();
    while let Some(chunk) = output.next().await {
        all.extend_from_slice(&chunk.unwrap().bytes);
    }
    String::from_utf8(all).expect("text")
}

pub(crate) fn bytes(bytes: &[u8]) -> ByteStream {
    let pieces: Vec<_> = bytes
        .chunks(64 * 1024)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    stream::iter(pieces).boxed()
}

/// A tar archive of files with their modes.
pub(crate) fn archive(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        archive.append_data(&mut header, path, *content).expect("an archive");
    }
    archive.into_inner().expect("an archive")
}

/// A root tree of this machine's static busybox.
fn base_archive() -> Vec<u8> {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .iter()
        .find_map(|path| std::fs::read(path).ok());
    let busybox = busybox.expect("busybox-static is installed");
    let mut files = vec![("etc/words", b"some words\n".as_slice(), 0o644)];
    files.push(("bin/busybox", &busybox, 0o755));
    let mut tree = archive(&files);
    // The two empty blocks that end an archive give way to the links.
    tree.truncate(tree.len() - 1024);
    let mut links = tar::Builder::new(tree);
    for name in ["sh", "sleep", "echo", "cat", "stty", "ls", "id"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        links
            .append_link(&mut header, format!("bin/{name}"), "busybox")
            .expect("a link");
    }
    links.into_inner().expect("an archive")
}
