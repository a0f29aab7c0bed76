//! Git repositories as sources. Invariant: what is sent is what the commit holds, and the revision is that commit.

use std::fs;

use ps_core::names::ProcessType;
use ps_core::source::{PreparedSource, SourceError, SourceErrorKind, SourceReader};
use ps_source::{Environment, FileSourceReader};

use crate::git_sample::{Sample, has, read, source};
use crate::tree::{context_members, context_names};

fn command(source: &PreparedSource) -> &str {
    source.processes.command(&ProcessType::web()).unwrap()
}

fn told(error: &SourceError) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    format!(
        "{error}: {} ({})",
        cause.unwrap_or_default(),
        error.hint.clone().unwrap_or_default()
    )
}

#[tokio::test]
async fn branches_tags_and_commits_are_read() {
    let sample = Sample::new();
    let first = sample.git(&["rev-parse", "HEAD"]);
    sample.git(&["tag", "v1"]);
    sample.git(&["tag", "--annotate", "v1-signed", "-m", "a tag with a text"]);
    sample.git(&["checkout", "--quiet", "-b", "feature/two"]);
    sample.write("Procfile", "web: two\n");
    let second = sample.commit("two");
    sample.git(&["checkout", "--quiet", "main"]);
    let short = &second[..9];
    for (reference, revision, web) in [
        (None, &first, "one"),
        (Some("main"), &first, "one"),
        (Some("v1"), &first, "one"),
        (Some("v1-signed"), &first, "one"),
        (Some("refs/tags/v1"), &first, "one"),
        (Some("feature/two"), &second, "two"),
        (Some(second.as_str()), &second, "two"),
        (Some(short), &second, "two"),
        (Some(first.as_str()), &first, "one"),
    ] {
        let source = sample.read(reference).await.unwrap();
        assert_eq!(
            (source.revision.as_deref(), command(&source)),
            (Some(revision.as_str()), web),
            "{reference:?}"
        );
        assert_eq!(context_names(&source).await, ["Dockerfile", "Procfile"]);
        assert!(source.warnings.is_empty(), "{:?}", source.warnings);
    }
    // One cache, and no tree.
    assert_eq!(sample.kept().len(), 1);
}

#[tokio::test]
async fn the_newest_commit_of_a_branch_is_read() {
    let sample = Sample::new();
    assert_eq!(command(&sample.read(Some("main")).await.unwrap()), "one");
    sample.write("Procfile", "web: two\n");
    let second = sample.commit("two");
    let source = sample.read(Some("main")).await.unwrap();
    assert_eq!(
        (command(&source), source.revision.as_deref()),
        ("two", Some(second.as_str()))
    );
    // Also when its history was written anew.
    sample.write("Procfile", "web: three\n");
    sample.git(&["add", "--all"]);
    sample.git(&["commit", "--quiet", "--amend", "-m", "three"]);
    assert_eq!(command(&sample.read(Some("main")).await.unwrap()), "three");
}

#[tokio::test]
async fn a_commit_that_was_read_once_needs_no_repository() {
    let sample = Sample::new();
    let commit = sample.git(&["rev-parse", "HEAD"]);
    sample.read(Some("main")).await.unwrap();
    fs::rename(sample.work(), sample.folder.path().join("gone")).unwrap();
    let source = sample.read(Some(&commit)).await.unwrap();
    assert_eq!(source.revision, Some(commit));
    let error = sample.read(Some("main")).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unreadable);
    assert!(told(&error).contains("git could not fetch from"), "{}", told(&error));
}

#[tokio::test]
async fn what_a_killed_fetch_left_is_no_obstacle() {
    let sample = Sample::new();
    sample.read(None).await.unwrap();
    let cache = &sample.kept()[0];
    for name in ["shallow.lock", "refs/psctl/fetched.lock", "packed-refs.lock"] {
        fs::write(cache.join(name), "").unwrap();
    }
    sample.write("Procfile", "web: two\n");
    sample.commit("two");
    assert_eq!(command(&sample.read(None).await.unwrap()), "two");
}

#[tokio::test]
async fn a_broken_cache_is_made_anew() {
    let sample = Sample::new();
    let commit = sample.git(&["rev-parse", "HEAD"]);
    sample.read(None).await.unwrap();
    let packs = sample.kept()[0].join("objects/pack");
    let damage = |content: &[u8]| {
        for pack in fs::read_dir(&packs).unwrap().map(|entry| entry.unwrap().path()) {
            fs::remove_file(&pack).unwrap();
            fs::write(&pack, content).unwrap();
        }
    };
    damage(b"");
    assert_eq!(command(&sample.read(Some("main")).await.unwrap()), "one");
    damage(&[7; 4096]);
    assert_eq!(command(&sample.read(Some(&commit)).await.unwrap()), "one");
    // The commit is there, and a file of it is not.
    let index = sample.kept()[0].join("objects");
    fs::remove_dir_all(index.join("pack")).unwrap();
    assert_eq!(command(&sample.read(Some(&commit)).await.unwrap()), "one");
}

#[tokio::test]
async fn a_bare_repository_is_read_by_its_url_too() {
    let sample = Sample::new();
    let bare = sample.folder.path().join("bare.git");
    sample.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let url = format!("file://{}", bare.display());
    assert_eq!(
        command(&read(&sample.reader, &source(&url, None)).await.unwrap()),
        "one"
    );
}

#[tokio::test]
async fn the_same_commit_gives_the_same_context() {
    let sample = Sample::new();
    sample.write("bin/run", "#!/bin/sh\n");
    fs::set_permissions(
        sample.work().join("bin/run"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    std::os::unix::fs::symlink("bin/run", sample.work().join("run")).unwrap();
    sample.commit("two");
    let one = crate::tree::context_bytes(&sample.read(None).await.unwrap())
        .await
        .unwrap();
    let source = sample.read(None).await.unwrap();
    assert_eq!(one, crate::tree::context_bytes(&source).await.unwrap());
    for member in context_members(&source).await {
        assert_eq!(member.header.mtime().unwrap(), 1_700_000_000, "{}", member.name);
        if member.name == "bin/run" {
            assert_eq!(member.header.mode().unwrap() & 0o111, 0o111);
        }
    }
}

#[tokio::test]
async fn a_missing_reference_is_named() {
    let sample = Sample::new();
    for reference in [
        "nothing",
        "deadbeef",
        "0123456789012345678901234567890123456789",
        "refs/heads/x",
    ] {
        let error = sample.read(Some(reference)).await.unwrap_err();
        let expected = format!(
            "there is no branch, tag or commit `{reference}` in {}",
            sample.work().display()
        );
        assert_eq!(error.to_string(), expected);
        assert!(error.hint.unwrap().starts_with("`git ls-remote /"));
    }
    let empty = sample.folder.path().join("empty.git");
    sample.git(&["init", "--quiet", "--bare", empty.to_str().unwrap()]);
    let error = read(&sample.reader, &source(empty.to_str().unwrap(), None))
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("there is no commit in"), "{error}");
}

#[tokio::test]
async fn without_git_a_hint_says_how_to_get_it() {
    let sample = Sample::new();
    let reader = FileSourceReader::new(Environment::default());
    let error = read(&reader, &sample.at(None)).await.unwrap_err();
    assert!(error.to_string().contains("is not in PATH"), "{error}");
    assert!(error.hint.unwrap().contains("install git"));
}

#[tokio::test]
async fn a_dry_run_fetches_and_keeps_nothing() {
    let sample = Sample::new();
    let environment = Environment::read(|name| std::env::var_os(name).filter(|_| name == "PATH"));
    let looking = FileSourceReader::new(environment).looking_in(sample.folder.path().join("state"));
    assert_eq!(command(&read(&looking, &sample.at(None)).await.unwrap()), "one");
    assert!(!has(sample.folder.path(), "state"));
}

#[tokio::test]
async fn the_caches_of_other_repositories_are_forgotten() {
    let sample = Sample::new();
    sample.read(None).await.unwrap();
    let url = format!("file://{}", sample.work().display());
    let other = source(&url, None);
    read(&sample.reader, &other).await.unwrap();
    assert_eq!(sample.kept().len(), 2);
    let shop = "shop".parse().unwrap();
    sample.reader.forget(&shop, &[&other]).await.unwrap();
    assert_eq!(sample.kept().len(), 1);
    sample.reader.forget(&shop, &[]).await.unwrap();
    assert_eq!(sample.kept().len(), 0);
}
