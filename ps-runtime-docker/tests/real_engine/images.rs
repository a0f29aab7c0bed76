//! Images, builds, and files inside containers.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use ps_core::runtime::{
    BuildEvent, BuildRequest, ContainerRuntime, ImageRuntime, RegistryCredentials, RemoveOutcome, RuntimeError,
    RuntimeErrorKind,
};

use crate::bench::{Bench, archive, bytes, eventually};

pub(crate) async fn import(bench: Bench) {
    let docker = &bench.docker;
    let changes = [
        "ENTRYPOINT [\"/bin/sh\", \"-c\"]",
        "CMD [\"ls\"]",
        "EXPOSE 8080 53/udp 80",
        "WORKDIR /app",
        "USER 7",
    ];
    let changes: Vec<String> = changes.map(str::to_owned).into();
    let name = format!("{}:v1", bench.prefix);
    let id = docker
        .import_image(bytes(&archive(&[("a", b"b", 0o644)])), &name, &changes)
        .await
        .unwrap();
    let detail = docker.inspect_image(&name).await.unwrap();
    assert_eq!(detail.id.as_ref(), Some(&id));
    assert_eq!(
        (detail.entrypoint, detail.command),
        (vec!["/bin/sh".into(), "-c".into()], vec!["ls".into()])
    );
    assert_eq!(
        (detail.exposed_ports, detail.working_dir, detail.user),
        (vec![80, 8080], "/app".into(), "7".into())
    );

    let other = format!("{}:v2", bench.prefix);
    docker.tag_image(&id.0, &other).await.unwrap();
    assert_eq!(docker.remove_image(&name).await.unwrap(), RemoveOutcome::Removed);
    assert_eq!(
        docker.inspect_image(&name).await.unwrap_err().kind,
        RuntimeErrorKind::ImageMissing
    );
    assert_eq!(
        docker.tag_image(&name, &other).await.unwrap_err().kind,
        RuntimeErrorKind::ImageMissing
    );
    assert_eq!(docker.remove_image(&name).await.unwrap(), RemoveOutcome::AlreadyGone);
    assert_eq!(
        docker.inspect_image("../containers/json?x=").await.unwrap_err().kind,
        RuntimeErrorKind::ImageMissing
    );
    assert_eq!(docker.remove_image(&other).await.unwrap(), RemoveOutcome::Removed);

    docker.create_container(&bench.spec("user", &["sh"])).await.unwrap();
    assert_eq!(
        docker.remove_image(&bench.image()).await.unwrap_err().kind,
        RuntimeErrorKind::Conflict
    );
}

/// A build of these lines on the base image, on top of a file that no build before had: newer engines know a step again by the
/// content that it stands on.
fn request(bench: &Bench, dockerfile: &str) -> BuildRequest {
    let fresh = unique();
    request_of(
        bench,
        &format!("FROM {}\nRUN echo {fresh} > /fresh\n{dockerfile}", bench.image()),
    )
}

fn request_of(bench: &Bench, dockerfile: &str) -> BuildRequest {
    let context = archive(&[
        ("sub/Dockerfile.web", dockerfile.as_bytes(), 0o644),
        ("file", &vec![7; 300_000], 0o644),
    ]);
    BuildRequest {
        context: bytes(&context),
        dockerfile: "sub/Dockerfile.web".into(),
        tag: format!("{}:built", bench.prefix),
        labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
    }
}

/// A word that no run before has used: the engine's build cache outlives a run.
fn unique() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_nanos().to_string()
}

async fn failure(bench: &Bench, request: BuildRequest) -> RuntimeError {
    let events: Vec<_> = bench.docker.build_image(request).collect().await;
    events.into_iter().next_back().unwrap().unwrap_err()
}

pub(crate) async fn build(bench: Bench) {
    let docker = &bench.docker;
    let good = request(&bench, "COPY file /file\nRUN echo building; echo twice\nCMD [\"ls\"]\n");
    let tag = good.tag.clone();
    let events: Vec<_> = docker.build_image(good).map(Result::unwrap).collect().await;
    for line in ["building", "twice"] {
        assert!(events.contains(&BuildEvent::Line(line.to_owned())), "{events:?}");
    }
    let detail = docker.inspect_image(&tag).await.unwrap();
    let Some(BuildEvent::Built(id)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!((detail.id.as_ref(), &detail.labels["a"]), (Some(id), &"b".to_owned()));
    docker.remove_image(&tag).await.unwrap();

    for (dockerfile, message) in [("RUN exit 9\n", "exit code: 9"), ("NONSENSE x\n", "NONSENSE")] {
        let error = failure(&bench, request(&bench, dockerfile)).await;
        assert_eq!(error.kind, RuntimeErrorKind::BuildFailed);
        assert!(cause(&error).contains(message), "{error:?}");
    }
}

pub(crate) async fn mounts(bench: Bench) {
    let lines = "RUN --mount=type=cache,target=/kept echo kept > /kept/x && cat /kept/x\n\
                 RUN --mount=type=bind,source=file,target=/bound ls /bound\n\
                 RUN --mount=type=secret,id=none ls /run/secrets/none || echo no secret\n";
    let request = request(&bench, lines);
    let tag = request.tag.clone();
    let events: Vec<_> = bench.docker.build_image(request).map(Result::unwrap).collect().await;
    for line in ["kept", "/bound", "no secret"] {
        assert!(events.contains(&BuildEvent::Line(line.to_owned())), "{events:?}");
    }
    bench.docker.remove_image(&tag).await.unwrap();
    let required = self::request(&bench, "RUN --mount=type=secret,id=none,required=true true\n");
    assert!(cause(&failure(&bench, required).await).contains("none"));
}

/// What the reader of 20.10 does not know, newer ones do; a reader that cannot be had fails at once, with what mends it.
pub(crate) async fn newer_syntax(bench: Bench) {
    for lines in ["COPY --link file /file\n", "RUN <<EOF\necho one\necho two\nEOF\n"] {
        let request = request(&bench, lines);
        let tag = request.tag.clone();
        let events: Vec<_> = bench.docker.build_image(request).collect().await;
        match events.into_iter().next_back().unwrap() {
            Ok(_) => drop(bench.docker.remove_image(&tag).await.unwrap()),
            Err(error) => assert!(cause(&error).contains("# syntax=docker/dockerfile:1"), "{error:?}"),
        }
    }
    let reader = format!("# syntax=127.0.0.1:1/docker/dockerfile:1\nFROM {}\n", bench.image());
    let error = failure(&bench, request_of(&bench, &reader)).await;
    assert_eq!(error.kind, RuntimeErrorKind::BuildFailed);
    assert!(cause(&error).contains("remove the line"), "{error:?}");
}

fn cause(error: &RuntimeError) -> String {
    error.source.as_ref().map(ToString::to_string).unwrap_or_default()
}

pub(crate) async fn dropped_build(bench: Bench) {
    let mark = format!("97.{}", unique());
    let mut building = bench
        .docker
        .build_image(request(&bench, &format!("RUN echo begun; sleep {mark}\n")));
    while building.next().await.unwrap().unwrap() != BuildEvent::Line("begun".to_owned()) {}
    eventually(Duration::from_secs(20), async || sleepers(&mark) > 0).await;
    drop(building);
    eventually(Duration::from_secs(20), async || sleepers(&mark) == 0).await;
}

/// How many processes of this machine have a word among their arguments.
fn sleepers(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let command_lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    command_lines
        .filter(|line| line.split(|byte| *byte == 0).any(|word| word == mark.as_bytes()))
        .count()
}

pub(crate) async fn pull(bench: Bench) {
    let credentials = RegistryCredentials {
        server: "127.0.0.1:1".into(),
        username: "u".into(),
        password: "p?>~".into(),
    };
    let pulling = bench.docker.pull_image("127.0.0.1:1/psctl/nosuch", Some(&credentials));
    let events: Vec<_> = pulling.collect().await;
    let error = events.into_iter().next_back().unwrap().unwrap_err();
    assert_eq!(error.kind, RuntimeErrorKind::BuildFailed);
    assert!(cause(&error).contains("refused"), "{error:?}");
}

pub(crate) async fn files(bench: Bench) {
    let docker = &bench.docker;
    let id = docker.create_container(&bench.spec("a", &["sh"])).await.unwrap();
    let found = docker.read_container_file(&id, "/etc/words", 16 * 1024).await.unwrap();
    let mut words = String::new();
    let mut archive = tar::Archive::new(found.as_ref());
    archive
        .entries()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .read_to_string(&mut words)
        .unwrap();
    assert_eq!(words, "some words\n");
    let large = docker
        .read_container_file(&id, "/bin/busybox", 16 * 1024)
        .await
        .unwrap_err();
    assert_eq!(large.kind, RuntimeErrorKind::Invalid);
    let missing = docker.read_container_file(&id, "/etc/no such", 1024).await.unwrap_err();
    assert_eq!(missing.kind, RuntimeErrorKind::NotFound);
}
