//! The steps of a build: which of them the engine's cache answers, what they may mount, and how they end.

use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt;
use futures_util::future::{Either, select};
use ps_core::runtime::{BuildEvent, BuildStep, RuntimeErrorKind as Kind, StepOrigin};
use ps_core::testing::ProcessStep;

use super::super::bench::kind_of;
use super::super::{Bench, Case, Failure, Program, Verdict};
use super::building::{dockerfile, request};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_fresh_build_makes_every_step,
        the_same_build_again_comes_from_the_cache,
        a_changed_file_leaves_the_steps_before_it_to_the_cache,
        a_step_may_mount_what_it_needs,
        an_abandoned_build_makes_no_image,
    ]
}

/// A word that no build before had, of whatever run: caches live long.
fn unique(bench: &Bench) -> Result<String, Failure> {
    let now = bench.clock.now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(format!("{}-{}", bench.name("word"), now.as_nanos()))
}

/// A context of three steps: one of its own, one that copies a file, one that reads it.
fn context(bench: &Bench, word: &str, content: &str) -> Vec<(&'static str, String)> {
    let lines = format!("RUN echo {word} > /word\nCOPY file /file\nRUN cat /file > /copy");
    vec![dockerfile(bench, &lines), ("file", content.to_owned())]
}

/// The steps that make files. What only sets something is a step on some engines.
async fn steps(bench: &Bench, files: &[(&str, String)], tag: &str) -> Result<Vec<BuildStep>, Failure> {
    let request = request(bench, files, "Dockerfile", tag)?;
    let events: Vec<BuildEvent> = bench.engine.build_image(request).try_collect().await?;
    assert!(matches!(events.last(), Some(BuildEvent::Built(_))), "{events:?}");
    let steps = events.into_iter().filter_map(|event| match event {
        BuildEvent::Step(step) => Some(step),
        _ => None,
    });
    Ok(steps
        .filter(|step| step.name.contains("] RUN ") || step.name.contains("] COPY "))
        .collect())
}

fn origins(steps: &[BuildStep]) -> Vec<StepOrigin> {
    steps.iter().map(|step| step.origin).collect()
}

async fn a_fresh_build_makes_every_step(bench: &Bench) -> Verdict {
    let word = unique(bench)?;
    let steps = steps(bench, &context(bench, &word, &word), &bench.image_name("v1")).await?;
    assert_eq!(origins(&steps), [StepOrigin::Made; 3], "{steps:?}");
    let instructions = [
        &format!("RUN echo {word} > /word"),
        "COPY file /file",
        "RUN cat /file > /copy",
    ];
    for (step, instruction) in steps.iter().zip(instructions) {
        assert!(
            step.name.starts_with('[') && step.name.ends_with(&format!("] {instruction}")),
            "{step:?}"
        );
    }
    Ok(())
}

async fn the_same_build_again_comes_from_the_cache(bench: &Bench) -> Verdict {
    let word = unique(bench)?;
    let files = context(bench, &word, &word);
    steps(bench, &files, &bench.image_name("v1")).await?;
    let again = steps(bench, &files, &bench.image_name("v2")).await?;
    assert_eq!(origins(&again), [StepOrigin::Cache; 3], "{again:?}");
    Ok(())
}

async fn a_changed_file_leaves_the_steps_before_it_to_the_cache(bench: &Bench) -> Verdict {
    let word = unique(bench)?;
    steps(bench, &context(bench, &word, &word), &bench.image_name("v1")).await?;
    let changed = context(bench, &word, &format!("{word} changed"));
    let steps = steps(bench, &changed, &bench.image_name("v2")).await?;
    let expected = [StepOrigin::Cache, StepOrigin::Made, StepOrigin::Made];
    assert_eq!(origins(&steps), expected, "{steps:?}");
    Ok(())
}

/// Caches can be mounted too, but not here: all users of Podman 4.3 on a machine keep them in one folder, which the first one owns.
async fn a_step_may_mount_what_it_needs(bench: &Bench) -> Verdict {
    let line =
        "RUN --mount=type=tmpfs,target=/scratch --mount=type=bind,source=file,target=/bound cat /bound > /scratch/file";
    let files = [dockerfile(bench, line), ("file", unique(bench)?)];
    let steps = steps(bench, &files, &bench.image_name("v1")).await?;
    assert_eq!(steps.len(), 1, "{steps:?}");
    Ok(())
}

async fn an_abandoned_build_makes_no_image(bench: &Bench) -> Verdict {
    let tag = bench.image_name("v1");
    let line = format!("sleep 2; echo {} > /word", unique(bench)?);
    let wait = ProcessStep::Wait(Duration::from_secs(2));
    bench.teach_line(&line, &Program::shell(&line, [wait]));
    let request = request(bench, &[dockerfile(bench, &format!("RUN {line}"))], "Dockerfile", &tag)?;
    let building = bench.engine.build_image(request).try_collect::<Vec<_>>();
    match select(building, bench.clock.sleep(Duration::from_secs(1))).await {
        Either::Left((built, _)) => return Err(format!("it was not abandoned: {built:?}").into()),
        Either::Right(((), building)) => drop(building),
    }
    let end = bench.clock.monotonic() + Duration::from_secs(3);
    while bench.clock.monotonic() < end {
        let found = bench.engine.inspect_image(&tag).await;
        assert_eq!(kind_of(&found), Some(Kind::ImageMissing));
        bench.clock.sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
