//! Images: importing, naming, removing, reading files out of them.

use futures_util::TryStreamExt;
use ps_core::runtime::{
    ContainerId, ContainerSpec, ImageDetail, ImageId, RemoveOutcome, RuntimeError, RuntimeErrorKind as Kind,
};

use super::super::bench::{LABEL, archive, kind_of, stream_of};
use super::super::{Bench, Case, Failure, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        an_imported_image_says_what_it_was_given,
        an_image_has_as_many_names_as_it_is_given,
        naming_what_is_not_there_says_image_missing,
        inspecting_an_image_that_is_not_there_says_image_missing,
        removing_a_name_leaves_the_other,
        removing_an_image_twice_reports_already_gone,
        removing_an_image_in_use_is_a_conflict,
        pulling_what_cannot_be_had_fails_with_the_reason,
        a_file_is_read_without_starting_the_container,
        a_file_that_is_not_there_is_not_found,
        a_file_over_the_limit_is_invalid,
    ]
}

/// Makes a small image with one file.
async fn import(bench: &Bench, name: &str, changes: &[&str]) -> Result<ImageId, Failure> {
    // Its content differs from that of all others, so that its id does too.
    let content = format!("web: serve {name}\n");
    let files = archive(&[("app/Procfile", content.as_bytes())])?;
    let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
    Ok(bench.engine.import_image(stream_of(files), name, &changes).await?)
}

fn text(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

async fn an_imported_image_says_what_it_was_given(bench: &Bench) -> Verdict {
    let name = bench.image_name("imported");
    let changes = [
        "CMD [\"serve\", \"-v\"]",
        "EXPOSE 8080",
        "EXPOSE 443",
        "WORKDIR /app",
        "LABEL a=b",
    ];
    let id = import(bench, &name, &changes).await?;
    assert!(id.0.starts_with("sha256:"), "{id}");
    let detail = bench.engine.inspect_image(&name).await?;
    let expected = ImageDetail {
        id: Some(id),
        command: text(&["serve", "-v"]),
        exposed_ports: vec![443, 8080],
        working_dir: "/app".to_owned(),
        labels: [("a".to_owned(), "b".to_owned())].into(),
        ..ImageDetail::default()
    };
    assert_eq!(detail, expected);
    Ok(())
}

async fn an_image_has_as_many_names_as_it_is_given(bench: &Bench) -> Verdict {
    let (one, two) = (bench.image_name("one"), bench.image_name("two"));
    let id = import(bench, &one, &[]).await?;
    bench.engine.tag_image(&one, &two).await?;
    for word in [&one, &two, &id.0] {
        assert_eq!(bench.engine.inspect_image(word).await?.id.as_ref(), Some(&id), "{word}");
    }
    Ok(())
}

async fn naming_what_is_not_there_says_image_missing(bench: &Bench) -> Verdict {
    let tagged = bench
        .engine
        .tag_image(&bench.image_name("none"), &bench.image_name("other"))
        .await;
    assert_eq!(kind_of(&tagged), Some(Kind::ImageMissing));
    Ok(())
}

async fn inspecting_an_image_that_is_not_there_says_image_missing(bench: &Bench) -> Verdict {
    let id = format!("sha256:{}", "0123456789abcdef".repeat(4));
    for word in [bench.image_name("none"), id] {
        let inspected = bench.engine.inspect_image(&word).await;
        assert_eq!(kind_of(&inspected), Some(Kind::ImageMissing), "{word}");
    }
    Ok(())
}

async fn removing_a_name_leaves_the_other(bench: &Bench) -> Verdict {
    let (one, two) = (bench.image_name("one"), bench.image_name("two"));
    import(bench, &one, &[]).await?;
    bench.engine.tag_image(&one, &two).await?;
    assert_eq!(bench.engine.remove_image(&one).await?, RemoveOutcome::Removed);
    let gone = bench.engine.inspect_image(&one).await;
    assert_eq!(kind_of(&gone), Some(Kind::ImageMissing));
    bench.engine.inspect_image(&two).await?;
    Ok(())
}

async fn removing_an_image_twice_reports_already_gone(bench: &Bench) -> Verdict {
    let name = bench.image_name("one");
    let id = import(bench, &name, &[]).await?;
    assert_eq!(bench.engine.remove_image(&name).await?, RemoveOutcome::Removed);
    assert_eq!(bench.engine.remove_image(&name).await?, RemoveOutcome::AlreadyGone);
    let gone = bench.engine.inspect_image(&id.0).await;
    assert_eq!(kind_of(&gone), Some(Kind::ImageMissing));
    Ok(())
}

async fn create_from(bench: &Bench, image: &str) -> Result<ContainerId, RuntimeError> {
    let spec = ContainerSpec {
        image: image.to_owned(),
        ..bench.spec("a", &Program::runs())
    };
    bench.engine.create_container(&spec).await
}

async fn removing_an_image_in_use_is_a_conflict(bench: &Bench) -> Verdict {
    let name = bench.image_name("one");
    import(bench, &name, &[]).await?;
    create_from(bench, &name).await?;
    let removed = bench.engine.remove_image(&name).await;
    assert_eq!(kind_of(&removed), Some(Kind::Conflict));
    bench.engine.inspect_image(&name).await?;
    Ok(())
}

async fn pulling_what_cannot_be_had_fails_with_the_reason(bench: &Bench) -> Verdict {
    // Nobody is a registry on this port of the engine's own machine.
    let pulled = bench.engine.pull_image("127.0.0.1:1/psctl/none:v1", None);
    let pulled = pulled.try_collect::<Vec<_>>().await;
    assert_eq!(kind_of(&pulled), Some(Kind::BuildFailed));
    assert!(pulled.is_err_and(|error| error.source.is_some()));
    Ok(())
}

async fn a_file_is_read_without_starting_the_container(bench: &Bench) -> Verdict {
    let name = bench.image_name("one");
    import(bench, &name, &[]).await?;
    let id = create_from(bench, &name).await?;
    let archive = bench
        .engine
        .read_container_file(&id, "/app/Procfile", 64 * 1024)
        .await?;
    let mut archive = tar::Archive::new(archive.as_ref());
    let mut entry = archive.entries()?.next().ok_or("the archive is empty")??;
    assert!(entry.path()?.ends_with("Procfile"));
    let mut content = String::new();
    std::io::Read::read_to_string(&mut entry, &mut content)?;
    assert_eq!(content, format!("web: serve {name}\n"));
    assert!(bench.engine.inspect_container(&id).await?.labels.contains_key(LABEL));
    Ok(())
}

async fn a_file_that_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    let read = bench.engine.read_container_file(&id, "/no/such/file", 1024).await;
    assert_eq!(kind_of(&read), Some(Kind::NotFound));
    Ok(())
}

async fn a_file_over_the_limit_is_invalid(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    let read = bench.engine.read_container_file(&id, "/bin/busybox", 64 * 1024).await;
    assert_eq!(kind_of(&read), Some(Kind::Invalid));
    Ok(())
}
