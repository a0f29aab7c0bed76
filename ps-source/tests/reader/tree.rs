//! A directory like an app's, and what a context of it holds. Invariant: the tree is the one `dockerignore_cases.json` was
//! recorded from.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;

use futures_util::TryStreamExt;
use ps_core::release::Source;
use ps_core::source::{PreparedSource, SourceError, SourcePaths, SourceReader};
use ps_source::{Environment, FileSourceReader};
use tempfile::TempDir;

const FILES: &[&str] = &[
    "Dockerfile",
    "README.md",
    "README-secret.md",
    "app.js",
    ".env",
    ".git/HEAD",
    "foo",
    "xfoo",
    "foo.txt",
    "a/b/c.txt",
    "a/b/d.log",
    "a/keep.log",
    "a/foo",
    "b.log",
    "src/foo.txt",
    "src/lib/foo.txt",
    "src/lib/bar.rs",
    "src/lib/foo/deep.rs",
    "tmp/one/x.o",
    "tmp/two.o",
    "node_modules/p/index.js",
    "a b/c d.txt",
    "[x]/y",
    "star*name",
    "#hash",
    "!bang",
    "d1/2/3/4.txt",
];

/// A tree with all sorts of names, an empty directory and two links.
pub(crate) fn sample_tree() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in FILES {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    fs::write(directory.path().join("Procfile"), "web: app\n").unwrap();
    fs::create_dir(directory.path().join("empty")).unwrap();
    symlink("a", directory.path().join("link")).unwrap();
    symlink("/etc/hostname", directory.path().join("out")).unwrap();
    directory
}

/// Reads the directory with a Procfile at its usual place.
pub(crate) async fn prepare(directory: &TempDir) -> Result<PreparedSource, SourceError> {
    let paths = SourcePaths {
        procfile: "Procfile".to_owned(),
        app_json: "app.json".to_owned(),
    };
    FileSourceReader::new(Environment::default())
        .read(
            &"shop".parse().unwrap(),
            &Source::Directory(directory.path().to_owned()),
            &paths,
        )
        .await
}

/// One member of a context.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) header: tar::Header,
    pub(crate) link: Option<String>,
    pub(crate) content: Vec<u8>,
}

/// The bytes of a context.
pub(crate) async fn context_bytes(source: &PreparedSource) -> std::io::Result<Vec<u8>> {
    let chunks: Vec<bytes::Bytes> = source.context.open().try_collect().await?;
    Ok(chunks.concat())
}

/// The members of a context in order.
pub(crate) async fn context_members(source: &PreparedSource) -> Vec<Member> {
    let bytes = context_bytes(source).await.unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let members = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        Member {
            name: entry.path().unwrap().to_str().unwrap().to_owned(),
            link: entry.link_name().unwrap().map(|name| name.to_str().unwrap().to_owned()),
            header: entry.header().clone(),
            content,
        }
    });
    members.collect()
}

/// The names in a context, directories with a slash and links with an `@` at their end.
pub(crate) async fn context_names(source: &PreparedSource) -> Vec<String> {
    let members = context_members(source).await;
    let mark = |member: Member| match member.header.entry_type() {
        tar::EntryType::Directory => format!("{}/", member.name.trim_end_matches('/')),
        tar::EntryType::Symlink => format!("{}@", member.name),
        _ => member.name,
    };
    members.into_iter().map(mark).collect()
}
