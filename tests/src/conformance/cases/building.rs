//! Building images from a context.

use std::error::Error;

use futures_util::TryStreamExt;
use ps_core::runtime::{BuildEvent, BuildRequest, ImageId, OutputChannel, RuntimeError, RuntimeErrorKind as Kind};
use ps_core::testing::{ProcessStep, Script};

use super::super::bench::{LABEL, archive, kind_of, stream_of};
use super::super::program::print;
use super::super::{Bench, Case, Failure, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_build_makes_an_image_with_its_name_and_labels,
        a_build_runs_its_commands,
        the_same_build_makes_the_same_image,
        the_dockerfile_may_have_another_name,
        a_failing_command_fails_the_build,
        a_missing_file_fails_the_build,
        a_missing_base_fails_the_build,
        a_failed_build_leaves_the_name_alone,
        a_container_without_a_command_runs_that_of_the_image,
    ]
}

type Built = Result<(ImageId, Vec<String>), RuntimeError>;

/// A build of these files under a name.
pub(super) fn request(
    bench: &Bench,
    files: &[(&str, String)],
    dockerfile: &str,
    tag: &str,
) -> Result<BuildRequest, Failure> {
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, content)| (*path, content.as_bytes()))
        .collect();
    Ok(BuildRequest {
        context: stream_of(archive(&files)?),
        dockerfile: dockerfile.to_owned(),
        tag: tag.to_owned(),
        labels: [(LABEL.to_owned(), bench.name("built"))].into(),
    })
}

async fn try_build(bench: &Bench, files: &[(&str, String)], dockerfile: &str, tag: &str) -> Result<Built, Failure> {
    let request = request(bench, files, dockerfile, tag)?;
    let events = match bench.engine.build_image(request).try_collect::<Vec<_>>().await {
        Ok(events) => events,
        Err(error) => return Ok(Err(error)),
    };
    let (mut built, mut lines) = (None, Vec::new());
    for event in events {
        assert!(built.is_none(), "events after the last one");
        match event {
            BuildEvent::Line(line) => lines.push(line),
            BuildEvent::Step(_) => {}
            BuildEvent::Built(id) => built = Some(id),
        }
    }
    Ok(Ok((built.ok_or("it did not say what it built")?, lines)))
}

/// Builds an image, which has to succeed.
async fn build(bench: &Bench, files: &[(&str, String)], tag: &str) -> Result<(ImageId, Vec<String>), Failure> {
    Ok(try_build(bench, files, "Dockerfile", tag).await??)
}

/// A Dockerfile on the base image. Its first line is another for each case, since builds that share layers get into each
/// other's way: Podman prunes the layers of one while the other uses them.
pub(super) fn dockerfile(bench: &Bench, lines: &str) -> (&'static str, String) {
    let case = bench.name("built");
    (
        "Dockerfile",
        format!("FROM {}\nLABEL case={case}\n{lines}\n", bench.image),
    )
}

/// A Dockerfile whose first step fails: what an engine keeps of the steps before a failure has no name to remove it by.
fn failing(bench: &Bench, line: &str) -> (&'static str, String) {
    ("Dockerfile", format!("FROM {}\n{line}\n", bench.image))
}

async fn a_build_makes_an_image_with_its_name_and_labels(bench: &Bench) -> Verdict {
    let tag = bench.image_name("v1");
    let lines = "COPY Procfile /app/\nWORKDIR /app\nEXPOSE 5000\nENTRYPOINT [\"serve\"]\nLABEL own=label";
    let files = [dockerfile(bench, lines), ("Procfile", "web: serve\n".to_owned())];
    let (id, lines) = build(bench, &files, &tag).await?;
    assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("COPY")), "{lines:?}");
    let detail = bench.engine.inspect_image(&tag).await?;
    assert_eq!(detail.id, Some(id));
    assert_eq!(
        (detail.entrypoint, detail.exposed_ports),
        (vec!["serve".to_owned()], vec![5000])
    );
    assert_eq!(detail.labels.get(LABEL), Some(&bench.name("built")));
    assert_eq!(detail.labels.get("own").map(String::as_str), Some("label"));
    let mut spec = bench.spec("a", &Program::runs());
    spec.image = tag;
    let id = bench.engine.create_container(&spec).await?;
    bench
        .engine
        .read_container_file(&id, "/app/Procfile", 64 * 1024)
        .await?;
    Ok(())
}

async fn a_build_runs_its_commands(bench: &Bench) -> Verdict {
    let tag = bench.image_name("v1");
    build(bench, &[dockerfile(bench, "RUN true")], &tag).await?;
    bench.engine.inspect_image(&tag).await?;
    Ok(())
}

async fn the_same_build_makes_the_same_image(bench: &Bench) -> Verdict {
    let (one, two) = (bench.image_name("v1"), bench.image_name("v2"));
    let lines = "COPY Procfile /app/\nRUN true";
    let files = [dockerfile(bench, lines), ("Procfile", "web: serve\n".to_owned())];
    let (first, _) = build(bench, &files, &one).await?;
    let (second, _) = build(bench, &files, &two).await?;
    assert_eq!(first, second);
    Ok(())
}

async fn the_dockerfile_may_have_another_name(bench: &Bench) -> Verdict {
    let tag = bench.image_name("v1");
    let (_, text) = dockerfile(bench, "LABEL own=label");
    let built = try_build(bench, &[("deploy/app.Dockerfile", text)], "deploy/app.Dockerfile", &tag).await?;
    built?;
    assert!(bench.engine.inspect_image(&tag).await?.labels.contains_key("own"));
    Ok(())
}

async fn a_failing_command_fails_the_build(bench: &Bench) -> Verdict {
    let mut program = Program::exits(9);
    program.script = Script::new([ProcessStep::Exit(9)]);
    bench.teach_line("exit 9", &program);
    let tag = bench.image_name("v1");
    let built = try_build(bench, &[failing(bench, "RUN exit 9")], "Dockerfile", &tag).await?;
    assert_eq!(kind_of(&built), Some(Kind::BuildFailed));
    let reason = built.err().and_then(|error| error.source().map(ToString::to_string));
    assert!(reason.as_ref().is_some_and(|reason| reason.contains('9')), "{reason:?}");
    Ok(())
}

async fn a_missing_file_fails_the_build(bench: &Bench) -> Verdict {
    let tag = bench.image_name("v1");
    let built = try_build(bench, &[failing(bench, "COPY missing.txt /")], "Dockerfile", &tag).await?;
    assert_eq!(kind_of(&built), Some(Kind::BuildFailed));
    Ok(())
}

async fn a_missing_base_fails_the_build(bench: &Bench) -> Verdict {
    let tag = bench.image_name("v1");
    let files = [("Dockerfile", "FROM 127.0.0.1:1/psctl/none:v1\n".to_owned())];
    let built = try_build(bench, &files, "Dockerfile", &tag).await?;
    assert_eq!(kind_of(&built), Some(Kind::BuildFailed));
    Ok(())
}

async fn a_failed_build_leaves_the_name_alone(bench: &Bench) -> Verdict {
    let tag = bench.image_name("v1");
    let (first, _) = build(bench, &[dockerfile(bench, "LABEL own=first")], &tag).await?;
    let failed = try_build(bench, &[failing(bench, "COPY missing.txt /")], "Dockerfile", &tag).await?;
    assert!(failed.is_err());
    assert_eq!(bench.engine.inspect_image(&tag).await?.id, Some(first));
    Ok(())
}

async fn a_container_without_a_command_runs_that_of_the_image(bench: &Bench) -> Verdict {
    let program = Program::words(
        &["echo", "from the image"],
        [print(OutputChannel::Out, "from the image\n")],
    );
    bench.teach(&program);
    let image = bench.image_name("with-command");
    let context = [dockerfile(bench, "CMD [\"echo\", \"from the image\"]")];
    build(bench, &context, &image).await?;
    let mut spec = bench.spec("a", &program);
    spec.image.clone_from(&image);
    spec.command = None;
    assert_eq!(bench.output_of(&spec).await?, "from the image\n");
    Ok(())
}
