//! Build, import, pull, tag, remove, and files of containers.

use futures_util::{StreamExt, TryStreamExt, stream};
use ps_core::runtime::RuntimeErrorKind as Kind;
use ps_core::runtime::*;

use crate::bench::{Bench, kind, one_piece, tar_of};
use crate::{Case, Outcome, case};

pub(crate) const CASES: &[Case] = &[
    case!(a_build_streams_lines_and_ends_with_the_image),
    case!(a_failing_build_tells_the_engines_message),
    case!(an_image_has_names_and_is_kept_while_used),
    case!(a_pull_without_a_registry_fails_with_its_message),
    case!(a_file_of_a_container_is_read_up_to_a_limit),
];

/// The context in pieces, as a walker would send it.
fn request(bench: &Bench, dockerfile: &str) -> BuildRequest {
    let context = tar_of(&[("sub/Dockerfile", dockerfile.as_bytes()), ("hello", b"hi\n")]);
    let pieces: Vec<_> = context.chunks(1000).map(|piece| Ok(piece.to_vec().into())).collect();
    BuildRequest {
        context: stream::iter(pieces).boxed(),
        dockerfile: "sub/Dockerfile".to_owned(),
        tag: format!("{}-built:one", bench.prefix),
        labels: bench.labels(),
    }
}

async fn a_build_streams_lines_and_ends_with_the_image(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let dockerfile = format!(
        "FROM {}\nCOPY hello /hello\nRUN cat /hello\nEXPOSE 8080 53/udp 80\nWORKDIR /w\nUSER 12\nENTRYPOINT [\"sh\"]\nCMD [\"-c\", \"x\"]\nHEALTHCHECK CMD true\n",
        bench.image
    );
    let events: Vec<BuildEvent> = podman.build_image(request(bench, &dockerfile)).try_collect().await?;
    let Some((BuildEvent::Built(id), lines)) = events.split_last() else {
        panic!("no image at the end: {events:?}");
    };
    assert!(lines.contains(&BuildEvent::Line("hi".to_owned())), "{lines:?}");
    let seen = podman.inspect_image(&format!("{}-built:one", bench.prefix)).await?;
    let expected = ImageDetail {
        id: Some(id.clone()),
        entrypoint: vec!["sh".to_owned()],
        command: vec!["-c".to_owned(), "x".to_owned()],
        exposed_ports: vec![80, 8080],
        working_dir: "/w".to_owned(),
        user: "12".to_owned(),
        labels: seen.labels.clone(),
    };
    assert_eq!(seen, expected);
    assert!(
        bench
            .labels()
            .iter()
            .all(|(name, value)| seen.labels.get(name) == Some(value))
    );
    let again: Vec<BuildEvent> = podman.build_image(request(bench, &dockerfile)).try_collect().await?;
    assert_eq!(
        again.last(),
        Some(&BuildEvent::Built(id.clone())),
        "the cache was not used"
    );
    // Its id is good for a create.
    podman
        .create_container(&ContainerSpec {
            image: id.0.clone(),
            ..bench.spec("a", "x")
        })
        .await?;
    Ok(())
}

async fn a_failing_build_tells_the_engines_message(bench: &Bench) -> Outcome {
    for (dockerfile, part) in [
        (format!("FROM {}\nRUN exit 9\n", bench.image), "9"),
        ("NONSENSE\n".to_owned(), "FROM"),
    ] {
        let built: Result<Vec<_>, _> = bench
            .podman
            .build_image(request(bench, &dockerfile))
            .try_collect()
            .await;
        let error = built.expect_err("it must fail");
        let message = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        assert_eq!(error.kind, Kind::BuildFailed, "{message}");
        assert!(message.contains(part), "{message}");
    }
    Ok(())
}

async fn an_image_has_names_and_is_kept_while_used(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let other = format!("{}-tagged:two", bench.prefix);
    podman.tag_image(&bench.image, &other).await?;
    let id = podman.inspect_image(&bench.image).await?.id;
    assert_eq!(podman.inspect_image(&other).await?.id, id);
    assert_eq!(podman.remove_image(&other).await?, RemoveOutcome::Removed);
    assert_eq!(podman.remove_image(&other).await?, RemoveOutcome::AlreadyGone);
    for missing in [other.as_str(), "not a name", ""] {
        let seen = kind(podman.inspect_image(missing).await);
        assert!(
            matches!(seen, Kind::ImageMissing | Kind::Invalid),
            "{missing}: {seen:?}"
        );
    }
    assert_eq!(kind(podman.tag_image(&other, "x:y").await), Kind::ImageMissing);
    podman.create_container(&bench.spec("a", "x")).await?;
    assert_eq!(kind(podman.remove_image(&bench.image).await), Kind::Conflict);
    Ok(())
}

async fn a_pull_without_a_registry_fails_with_its_message(bench: &Bench) -> Outcome {
    let credentials = RegistryCredentials {
        server: "127.0.0.1:9".to_owned(),
        username: "u".to_owned(),
        password: "p".to_owned(),
    };
    let pulled = bench.podman.pull_image("127.0.0.1:9/nothing:here", Some(&credentials));
    let pulled: Result<Vec<PullEvent>, _> = pulled.try_collect().await;
    assert_eq!(kind(pulled), Kind::BuildFailed);
    Ok(())
}

async fn a_file_of_a_container_is_read_up_to_a_limit(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let root = tar_of(&[("app/Procfile", b"web: x\n"), ("big", vec![b'x'; 50_000].as_slice())]);
    let image = format!("{}-built:one", bench.prefix);
    podman
        .import_image(one_piece(root), &image, &["WORKDIR /app".to_owned()])
        .await?;
    let id = podman
        .create_container(&ContainerSpec {
            image,
            ..bench.spec("a", "x")
        })
        .await?;
    let archive = podman.read_container_file(&id, "/app/Procfile", 10_000).await?;
    let mut archive = tar::Archive::new(archive.as_ref());
    let mut entry = archive.entries()?.next().expect("one entry")?;
    let content = std::io::read_to_string(&mut entry)?;
    assert_eq!(
        (entry.path()?.to_string_lossy().as_ref(), content.as_str()),
        ("Procfile", "web: x\n")
    );
    assert_eq!(
        kind(podman.read_container_file(&id, "/big", 10_000).await),
        Kind::Invalid
    );
    assert_eq!(
        kind(podman.read_container_file(&id, "/app/none", 10_000).await),
        Kind::NotFound
    );
    Ok(())
}
