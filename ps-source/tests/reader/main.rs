//! The source reader on real directories, archives and repositories. Invariant: each test has a temporary directory of its own, and
//! an environment that is given, never the process's, but for where programs are.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a tree that cannot be made or read fails the test"
)]

mod app_json;
mod context;
mod context_digest;
mod directory;
mod dockerignore;
mod git_hostile;
mod git_repository;
mod git_sample;
mod image_file;
mod kept_archive;
mod registry;
mod source_files;
mod tree;
