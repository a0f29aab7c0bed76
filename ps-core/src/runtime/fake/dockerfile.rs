//! As much of Dockerfiles as a fake needs to say what an image would say of itself.
//!
//! `RUN` runs nothing: what its command does is the script that [`super::FakeEngine::on_exec`] has for its text, else it
//! succeeds. A step that was made before, on the same steps and with the same files, comes from the cache, and runs no script.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::images::{FakeImage, image_id};
use super::script::ProcessStep;
use super::world::{Refusal, World, refuse};
use crate::runtime::{BuildEvent, BuildStep, EnvVar, RuntimeErrorKind, StepOrigin};

type Files = BTreeMap<String, Bytes>;

/// A build that went well.
pub(super) struct FakeBuild {
    pub(super) image: FakeImage,
    /// What the engine tells meanwhile.
    pub(super) events: Vec<BuildEvent>,
    /// How long its commands take.
    pub(super) takes: Duration,
}

/// Builds an image, without storing it.
pub(super) fn build(
    world: &mut World,
    context: &Files,
    dockerfile: &str,
    labels: &BTreeMap<String, String>,
) -> Result<FakeBuild, Refusal> {
    let Some(text) = context.get(dockerfile) else {
        return refuse(
            RuntimeErrorKind::BuildFailed,
            format!("cannot find the Dockerfile {dockerfile}"),
        );
    };
    let text = String::from_utf8_lossy(text).replace("\\\n", " ");
    let is_instruction = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let instructions: Vec<&str> = text.lines().map(str::trim).filter(is_instruction).collect();
    let mut image = FakeImage::default();
    let mut events = Vec::new();
    let mut history = Vec::new();
    let mut takes = Duration::ZERO;
    for (index, line) in instructions.iter().enumerate() {
        let (instruction, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let name = format!("[{}/{}] {line}", index + 1, instructions.len());
        events.push(BuildEvent::Line(name.clone()));
        history.push((*line).to_owned());
        let instruction = instruction.to_ascii_uppercase();
        match instruction.as_str() {
            "FROM" => image = base(world, rest)?,
            "RUN" => {}
            "COPY" | "ADD" => copy(context, &mut image.files, rest)?,
            other => change(&mut image, other, rest.trim())?,
        }
        if instruction == "FROM" {
            continue;
        }
        let layer = image_id(&(&history, &image.id, &image.files));
        let origin = if world.built_layers.contains(&layer) {
            StepOrigin::Cache
        } else {
            StepOrigin::Made
        };
        if instruction == "RUN" && origin == StepOrigin::Made {
            takes += run(world, rest.trim())?;
        }
        world.built_layers.insert(layer);
        events.push(BuildEvent::Step(BuildStep { name, origin }));
    }
    image.detail.labels.extend(labels.clone());
    image.id = image_id(&(history, &image.id, &image.detail.labels, &image.files));
    image.names.clear();
    Ok(FakeBuild { image, events, takes })
}

/// An image of files and settings.
pub(super) fn import(files: Files, changes: &[String]) -> Result<FakeImage, Refusal> {
    let mut image = FakeImage::default();
    for line in changes {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        change(&mut image, &word.to_ascii_uppercase(), rest.trim())?;
    }
    let id = image_id(&(&files, changes));
    Ok(FakeImage { id, files, ..image })
}

fn base(world: &World, words: &str) -> Result<FakeImage, Refusal> {
    let name = words.split_whitespace().next().unwrap_or_default();
    if name == "scratch" {
        return Ok(FakeImage::default());
    }
    let missing = || (RuntimeErrorKind::BuildFailed, format!("no such image: {name}"));
    world.image(name).cloned().ok_or_else(missing)
}

/// Runs a command: how long it takes.
fn run(world: &mut World, command: &str) -> Result<Duration, Refusal> {
    let script = world.scripts.take(&[command]);
    let steps = || script.iter().flat_map(|script| &script.steps);
    let waits = steps().filter_map(|step| match step {
        ProcessStep::Wait(time) => Some(*time),
        _ => None,
    });
    let exit = steps().find_map(|step| match step {
        ProcessStep::Exit(code) => Some(*code),
        _ => None,
    });
    match exit.filter(|code| *code != 0) {
        Some(code) => refuse(
            RuntimeErrorKind::BuildFailed,
            format!("`{command}` returned a non-zero code: {code}"),
        ),
        None => Ok(waits.sum()),
    }
}

fn copy(context: &Files, files: &mut Files, words: &str) -> Result<(), Refusal> {
    let mut paths: Vec<&str> = words
        .split_whitespace()
        .filter(|word| !word.starts_with("--"))
        .collect();
    let target = paths.pop().unwrap_or("/").trim_start_matches('/');
    for source in paths {
        let plain = source.trim_start_matches("./").trim_matches('/');
        let folder = if matches!(plain, "" | ".") {
            String::new()
        } else {
            format!("{plain}/")
        };
        let mut copied = Files::new();
        for (path, content) in context {
            let below = path.strip_prefix(&folder);
            if path == plain {
                let name = path.rsplit('/').next().unwrap_or(path);
                let to = if target.is_empty() || target.ends_with('/') {
                    format!("{target}{name}")
                } else {
                    target.to_owned()
                };
                copied.insert(to, content.clone());
            } else if let Some(below) = below {
                let to = format!("{}/{below}", target.trim_end_matches('/'));
                copied.insert(to.trim_start_matches('/').to_owned(), content.clone());
            }
        }
        if copied.is_empty() {
            return refuse(
                RuntimeErrorKind::BuildFailed,
                format!("COPY failed: {source} is not in the context"),
            );
        }
        files.extend(copied);
    }
    Ok(())
}

fn change(image: &mut FakeImage, word: &str, rest: &str) -> Result<(), Refusal> {
    let pairs = || {
        let pairs = rest.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
    };
    let detail = &mut image.detail;
    match word {
        "CMD" => detail.command = command(rest),
        "ENTRYPOINT" => {
            detail.entrypoint = command(rest);
            detail.command.clear();
        }
        "WORKDIR" => rest.clone_into(&mut detail.working_dir),
        "USER" => rest.clone_into(&mut detail.user),
        "EXPOSE" => {
            let ports = rest.split_whitespace().filter(|port| !port.ends_with("/udp"));
            detail
                .exposed_ports
                .extend(ports.filter_map(|port| port.trim_end_matches("/tcp").parse::<u16>().ok()));
            detail.exposed_ports.sort_unstable();
            detail.exposed_ports.dedup();
        }
        "LABEL" => detail.labels.extend(pairs()),
        "ENV" => image.env.extend(pairs().map(|(name, value)| EnvVar { name, value })),
        "ARG" | "STOPSIGNAL" | "SHELL" | "VOLUME" | "HEALTHCHECK" => {}
        other => return refuse(RuntimeErrorKind::BuildFailed, format!("unknown instruction: {other}")),
    }
    Ok(())
}

/// A command in its JSON form, or as a shell line.
fn command(words: &str) -> Vec<String> {
    match words.strip_prefix('[').and_then(|words| words.strip_suffix(']')) {
        Some(list) => list.split('"').skip(1).step_by(2).map(str::to_owned).collect(),
        None => ["/bin/sh", "-c", words].map(str::to_owned).to_vec(),
    }
}
