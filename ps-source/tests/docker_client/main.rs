//! Build contexts beside those of the real `docker` client, on the same trees, for each `.dockerignore` of the corpus. Invariant: the
//! client talks to a socket of this test, never to an engine. Without a client the trial is ignored, with the reason in
//! its name; with `PS_REQUIRE_ENGINES` set that fails.

#![expect(clippy::unwrap_used, reason = "a tree that cannot be made or read fails the test")]

mod engine_socket;
#[path = "../reader/tree.rs"]
#[expect(dead_code, reason = "the other tests need more of it")]
mod tree;

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;

use crate::engine_socket::EngineSocket;
use crate::tree::{context_bytes, prepare, sample_tree};

#[derive(Deserialize)]
struct Case {
    ignore: String,
}

/// The older client, which this is, does not look into an excluded directory for a `!` pattern with a wildcard; `BuildKit` does.
const OLDER_CLIENT_MISSES: &[(&str, &[&str])] = &[("*\n!**/foo.txt\n", &["src/foo.txt", "src/lib/foo.txt"])];

/// What is known of each member of a context.
type Members = BTreeMap<String, Member>;

#[derive(Debug, PartialEq)]
struct Member {
    kind: tar::EntryType,
    permissions: u32,
    target: Option<String>,
    content: Vec<u8>,
}

fn members(archive: &[u8]) -> Members {
    let mut archive = tar::Archive::new(archive);
    let members = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let name = entry.path().unwrap().to_str().unwrap().trim_end_matches('/').to_owned();
        let member = Member {
            kind: entry.header().entry_type(),
            permissions: entry.header().mode().unwrap() & 0o777,
            target: entry.link_name().unwrap().map(|name| name.to_str().unwrap().to_owned()),
            content,
        };
        (name, member)
    });
    members.collect()
}

/// What the client sends for a directory; `None` when it refuses to.
fn sent_by_client(socket: &EngineSocket, directory: &std::path::Path) -> Result<Option<Members>, Failed> {
    let mut command = Command::new("docker");
    command
        .args(["build", "--quiet", "."])
        .current_dir(directory)
        .env("DOCKER_BUILDKIT", "0")
        .env("DOCKER_HOST", format!("unix://{}", socket.path().display()))
        .env("DOCKER_CONFIG", socket.path().with_file_name("no-config"))
        .env_remove("DOCKER_CONTEXT");
    let output = command.output()?;
    let sent = socket.take_context();
    match (output.status.success(), sent) {
        (true, Some(archive)) => Ok(Some(members(&archive))),
        (false, None) => Ok(None),
        (_, sent) => Err(format!("sent: {}, {output:?}", sent.is_some()).into()),
    }
}

fn check(socket: &EngineSocket, ignore: &str) -> Result<(), Failed> {
    let directory = sample_tree();
    std::fs::write(directory.path().join(".dockerignore"), ignore)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let ours = runtime.block_on(async {
        let source = prepare(&directory).await.ok()?;
        Some(members(&context_bytes(&source).await.unwrap()))
    });
    let theirs = sent_by_client(socket, directory.path())?;
    let (mut ours, theirs) = match (ours, theirs) {
        (None, None) => return Ok(()),
        (Some(ours), Some(theirs)) => (ours, theirs),
        (ours, theirs) => {
            let refuses = |members: Option<_>| if members.is_some() { "sends it" } else { "refuses it" };
            return Err(format!("psctl {}, the client {}", refuses(ours), refuses(theirs)).into());
        }
    };
    let names: Vec<String> = ours.keys().cloned().collect();
    let missed = OLDER_CLIENT_MISSES.iter().find(|(known, _)| *known == ignore);
    for name in missed.map_or(&[][..], |(_, names)| names) {
        ours.remove(*name).ok_or_else(|| format!("{name} is not sent"))?;
    }
    // A directory that is left out, but for something in it, is sent by us; the client leaves its making to the engine.
    let is_needed = |directory: &str| names.iter().any(|name| is_below(name, directory));
    ours.retain(|name, member| {
        member.kind != tar::EntryType::Directory || theirs.contains_key(name) || !is_needed(name)
    });
    for name in ours.keys().chain(theirs.keys()) {
        if ours.get(name) != theirs.get(name) {
            return Err(format!(
                "{name}: psctl sends {:?}, the client {:?}",
                ours.get(name),
                theirs.get(name)
            )
            .into());
        }
    }
    Ok(())
}

fn is_below(name: &str, directory: &str) -> bool {
    name.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

fn compare_all() -> Result<(), Failed> {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../reader/dockerignore_cases.json"))?;
    let socket = EngineSocket::open()?;
    let mut faults = Vec::new();
    for case in &cases {
        if let Err(fault) = check(&socket, &case.ignore) {
            faults.push(format!("{:?}: {}", case.ignore, fault.message().unwrap_or("failed")));
        }
    }
    if faults.is_empty() && cases.len() >= 80 {
        return Ok(());
    }
    Err(format!("{} of {} differ\n{}", faults.len(), cases.len(), faults.join("\n")).into())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let has_client = Command::new("docker")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    let name = "the_context_is_what_the_docker_client_sends";
    let trial = if has_client {
        Trial::test(name, compare_all)
    } else {
        let is_required = std::env::var_os("PS_REQUIRE_ENGINES").is_some();
        let absent = || Err("there is no docker client".into());
        Trial::test(format!("{name} (there is no docker client)"), absent).with_ignored_flag(!is_required)
    };
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}
