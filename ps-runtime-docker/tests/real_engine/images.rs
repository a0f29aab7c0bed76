//! Images, builds, and files inside containers.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use futures_util::StreamExt;
use ps_core::runtime::{
    BuildEvent, BuildRequest, ContainerFilter, ContainerRuntime, ImageRuntime, RegistryCredentials, RemoveOutcome,
    RuntimeError, RuntimeErrorKind,
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

fn request(bench: &Bench, dockerfile: &str) -> BuildRequest {
    let from = format!("FROM {}\n{dockerfile}", bench.image());
    let context = archive(&[
        ("sub/Dockerfile.web", from.as_bytes(), 0o644),
        ("file", &vec![7; 300_000], 0o644),
    ]);
    BuildRequest {
        context: bytes(&context),
        dockerfile: "sub/Dockerfile.web".into(),
        tag: format!("{}:built", bench.prefix),
        labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
    }
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

    for (dockerfile, message) in [
        ("RUN exit 9\n", "returned a non-zero code: 9"),
        ("NONSENSE x\n", "NONSENSE"),
    ] {
        let events: Vec<_> = docker.build_image(request(&bench, dockerfile)).collect().await;
        let error = events.into_iter().next_back().unwrap().unwrap_err();
        assert_eq!(error.kind, RuntimeErrorKind::BuildFailed);
        assert!(cause(&error).contains(message), "{error:?}");
    }
}

fn cause(error: &RuntimeError) -> String {
    error.source.as_ref().map(ToString::to_string).unwrap_or_default()
}

pub(crate) async fn dropped_build(bench: Bench) {
    let mut building = bench.docker.build_image(request(&bench, "RUN echo begun; sleep 97\n"));
    while building.next().await.unwrap().unwrap() != BuildEvent::Line("begun".to_owned()) {}
    assert_eq!(builders(&bench).await, 1);
    drop(building);
    eventually(Duration::from_secs(20), async || builders(&bench).await == 0).await;
}

/// How many containers of the base image there are, the engine's own included.
async fn builders(bench: &Bench) -> usize {
    let base = bench.docker.inspect_image(&bench.image()).await.unwrap().id;
    let mut count = 0;
    for container in bench.docker.list_containers(&ContainerFilter::default()).await.unwrap() {
        let detail = bench.docker.inspect_container(&container.id).await;
        count += usize::from(detail.is_ok_and(|detail| Some(detail.image) == base));
    }
    count
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
