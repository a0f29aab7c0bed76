//! Repositories and addresses that were made to do harm. Invariant: nothing of them runs here, and no password is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use ps_core::names::ProcessType;
use ps_source::{Environment, FileSourceReader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::git_sample::{Sample, has, read, source};
use crate::tree::{context_members, context_names};

#[tokio::test]
async fn submodules_are_not_fetched_and_that_is_said() {
    let (sample, other) = (Sample::new(), Sample::new());
    let url = other.work();
    sample.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        url.to_str().unwrap(),
        "vendor/lib",
    ]);
    sample.commit("with a submodule");
    let read = sample.read(None).await.unwrap();
    assert_eq!(
        read.warnings,
        ["submodules are not fetched, their directories are empty: vendor/lib"]
    );
    let names = context_names(&read).await;
    assert!(names.contains(&"vendor/lib/".to_owned()), "{names:?}");
    assert!(
        !names
            .iter()
            .any(|name| name.starts_with("vendor/lib/") && name.len() > "vendor/lib/".len())
    );
}

#[tokio::test]
async fn filters_and_hooks_do_not_run() {
    let sample = Sample::new();
    let home = sample.folder.path().join("home");
    let marker = sample.folder.path().join("it-ran");
    // What git-lfs sets up for a user, and a hook for all repositories: here both only leave a trace.
    let touch = format!("touch {}", marker.display());
    fs::create_dir_all(home.join("hooks")).unwrap();
    for hook in [
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "pre-auto-gc",
    ] {
        let path = home.join("hooks").join(hook);
        fs::write(&path, format!("#!/bin/sh\n{touch}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let settings = format!(
        "[filter \"trap\"]\n smudge = \"{touch}; cat\"\n process = \"{touch}\"\n required = true\n\
         [core]\n hooksPath = {}\n fsmonitor = \"{touch}\"\n[safe]\n directory = *\n",
        home.join("hooks").display()
    );
    fs::write(home.join(".gitconfig"), settings).unwrap();
    sample.write(
        ".gitattributes",
        "*.bin filter=trap\n*.psd filter=lfs\nkept export-ignore\n",
    );
    sample.write("x.bin", "as it is");
    sample.write("kept", "not left out");
    sample.commit("with attributes");

    let environment = std::env::join_paths([wrapper(&sample, &home)]).unwrap();
    let environment = Environment {
        search_path: Some(environment),
        ..Environment::default()
    };
    let reader = FileSourceReader::new(environment).keeping_in(sample.folder.path().join("state"));
    let read = read(&reader, &sample.at(None)).await.unwrap();
    assert_eq!(
        read.warnings,
        ["files kept in Git LFS are not fetched, only the pointers to them are there"]
    );
    let members = context_members(&read).await;
    let content = |name: &str| {
        members
            .iter()
            .find(|member| member.name == name)
            .unwrap()
            .content
            .clone()
    };
    assert_eq!(content("x.bin"), b"as it is");
    assert_eq!(content("kept"), b"not left out");
    assert!(!has(sample.folder.path(), "it-ran"), "something of the repository ran");
}

/// A directory with a `git` that has this home.
fn wrapper(sample: &Sample, home: &std::path::Path) -> std::path::PathBuf {
    let directory = sample.folder.path().join("bin");
    fs::create_dir(&directory).unwrap();
    let git = directory.join("git");
    let text = format!("#!/bin/sh\nHOME={} exec git \"$@\"\n", home.display());
    fs::write(&git, text).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

#[tokio::test]
async fn links_of_a_repository_are_not_followed() {
    let sample = Sample::new();
    std::os::unix::fs::symlink("/etc/hostname", sample.work().join("stolen")).unwrap();
    sample.commit("with a link");
    let source = sample.read(None).await.unwrap();
    let members = context_members(&source).await;
    let stolen = members.iter().find(|member| member.name == "stolen").unwrap();
    assert_eq!(
        (stolen.link.as_deref(), stolen.content.len()),
        (Some("/etc/hostname"), 0)
    );
    fs::remove_file(sample.work().join("Procfile")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", sample.work().join("Procfile")).unwrap();
    sample.commit("with a Procfile elsewhere");
    let error = sample.read(None).await.unwrap_err();
    assert_eq!(error.to_string(), "`Procfile` is a link that leads out of the source");
}

#[tokio::test]
async fn a_commit_that_stands_for_too_many_files_is_refused() {
    let sample = Sample::new();
    let blob = sample.git(&["hash-object", "-w", "Procfile"]);
    let mut object = blob;
    let (mut mode, mut kind) = ("100644", "blob");
    for _ in 0..6 {
        let rows = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
            .map(|name| format!("{mode} {kind} {object}\t{name}\n"))
            .concat();
        object = make_tree(&sample, &rows);
        (mode, kind) = ("040000", "tree");
    }
    let commit = sample.git(&["commit-tree", &object, "-m", "a million files"]);
    sample.git(&["update-ref", "refs/heads/bomb", &commit]);
    let error = sample.read(Some("bomb")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the source holds more than 200000 files and directories"
    );
}

fn make_tree(sample: &Sample, rows: &str) -> String {
    use std::io::Write;
    let mut child = std::process::Command::new("git")
        .current_dir(sample.work())
        .arg("mktree")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(rows.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_password_goes_in_a_header_and_into_no_message() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let count = stream.read(&mut request).await.unwrap();
        let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..count]).into_owned()
    };
    let sample = Sample::new();
    let source = source(&format!("http://alice:hunter%402x@{address}/shop.git"), Some("main"));
    assert!(!format!("{source:?} {source}").contains("hunter"));
    let (outcome, request) = tokio::join!(read(&sample.reader, &source), serve);
    assert!(
        request.contains("Authorization: Basic YWxpY2U6aHVudGVyQDJ4"),
        "{request}"
    );
    assert!(request.starts_with("GET /shop.git/info/refs"), "{request}");
    let error = outcome.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    let text = format!("{error} {cause} {}", error.hint.clone().unwrap());
    assert!(!text.contains("hunter"), "{text}");
    assert!(text.contains(&format!("http://***@{address}/shop.git")), "{text}");
    assert!(text.contains("psctl never asks for a password"), "{text}");
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_is_killed_with_its_children() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sample = Sample::new();
    let source = source(&format!("http://{address}/shop.git"), None);
    let reader = sample.reader.clone();
    let reading = tokio::spawn(async move { read(&reader, &source).await.map(|_| ()) });
    // It was asked, and is never answered.
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).await.unwrap();
    reading.abort();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the program that asked is still there");
}

#[tokio::test]
async fn variables_of_a_git_that_runs_psctl_are_not_passed_on() {
    // Reading works in a process that has them: this test runs itself again.
    if std::env::var_os("PSCTL_TEST_INSIDE_A_HOOK").is_some() {
        let sample = Sample::new();
        let environment = Environment::read(|name| std::env::var_os(name));
        let reader = FileSourceReader::new(environment).keeping_in(sample.folder.path().join("state"));
        let read = read(&reader, &sample_url(&sample)).await.unwrap();
        assert_eq!(read.processes.command(&ProcessType::web()), Some("one"));
        return;
    }
    let this = "git_hostile::variables_of_a_git_that_runs_psctl_are_not_passed_on";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", this])
        .env("PSCTL_TEST_INSIDE_A_HOOK", "1")
        .env("GIT_INDEX_FILE", "/nowhere/index")
        .env("GIT_OBJECT_DIRECTORY", "/nowhere/objects")
        .env("GIT_CONFIG_PARAMETERS", "'protocol.allow=never'")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn sample_url(sample: &Sample) -> ps_core::release::Source {
    sample.at(None)
}
