//! Archives and git repositories: deployed, rebuilt, refused.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::{Case, Ground, ensure};
use super::WEB;
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        an_archive_is_deployed_and_rebuilt_without_its_file,
        an_archive_is_read_from_standard_input,
        a_hostile_archive_is_refused_and_changes_nothing,
        a_repository_is_deployed_and_a_rebuild_ships_its_newest_commit,
        a_repository_is_recorded_without_a_build,
    ]
}

/// The files of an app whose page says this.
fn files(ground: &Ground, page: &str) -> [(&'static str, String); 3] {
    let dockerfile = format!("FROM {}\nEXPOSE 5000\nCOPY page.html /page.html\n", ground.base);
    [
        ("Dockerfile", dockerfile),
        ("Procfile", WEB.to_owned()),
        ("page.html", page.to_owned()),
    ]
}

/// The page that the app's web container has.
fn page(ground: &Ground, app: &str) -> Result<String, Failure> {
    ground.has_soon(app, &["web.1"])?;
    Ok(ground.ok(&["enter", app, "web.1", "cat", "/page.html"])?.out)
}

fn archive(ground: &Ground, page: &str) -> Result<Vec<u8>, Failure> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files(ground, page) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len().try_into()?);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("shop-1.0/{name}"), content.as_bytes())?;
    }
    Ok(builder.into_inner()?)
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| "a path that is no text".into())
}

/// What is kept of the sources of an app.
fn kept(ground: &Ground, app: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(ground.state().join("sources").join(app));
    let entries = entries.into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn an_archive_is_deployed_and_rebuilt_without_its_file(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let file = ground.folder().join("shop.tar");
    std::fs::write(&file, archive(ground, "from an archive")?)?;
    let plan = ground.ok(&["git:from-archive", &app, text(&file)?, "--dry-run"])?;
    plan.shows(&["build image", "from archive", "shop.tar"])?;
    ensure(kept(ground, &app).is_empty(), || "a dry run kept something".to_owned())?;
    ground.ok(&["git:from-archive", &app, text(&file)?])?;
    ensure(page(ground, &app)? == "from an archive", || "another page".to_owned())?;
    std::fs::remove_file(&file)?;
    ground.ok(&["ps:rebuild", &app])?;
    ensure(page(ground, &app)? == "from an archive", || "another page".to_owned())?;
    ensure(kept(ground, &app).len() == 1, || format!("{:?}", kept(ground, &app)))?;
    // It moves with the app, and goes with it.
    let renamed = ground.app("store");
    ground.ok(&["apps:rename", &app, &renamed])?;
    ground.ok(&["ps:rebuild", &renamed])?;
    ensure(kept(ground, &app).is_empty(), || format!("{:?}", kept(ground, &app)))?;
    ground.ok(&["apps:destroy", &renamed, "--force"])?;
    ensure(kept(ground, &renamed).is_empty(), || {
        format!("{:?}", kept(ground, &renamed))
    })
}

fn an_archive_is_read_from_standard_input(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let bytes = String::from_utf8(archive(ground, "from a pipe")?)?;
    let deployed = ground.run_with_input(&["git:from-archive", &app, "-"], &bytes)?;
    deployed.code_is(0)?;
    ensure(page(ground, &app)? == "from a pipe", || "another page".to_owned())?;
    ground.ok(&["deploy", &app])?;
    ensure(page(ground, &app)? == "from a pipe", || "another page".to_owned())?;
    let url = "https://host.example/shop.tar";
    ground
        .run(&["git:from-archive", &app, url])?
        .is_error_with_hint(2, &["not as a URL"])
}

fn a_hostile_archive_is_refused_and_changes_nothing(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let file = ground.folder().join("shop.tar");
    std::fs::write(&file, archive(ground, "the good one")?)?;
    ground.ok(&["git:from-archive", &app, text(&file)?])?;
    let (ids, before) = (ground.ids(&app)?, kept(ground, &app));
    let report = ground.ok(&["ps:report", &app])?.out;
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "stolen", "/etc/passwd")?;
    let bad = ground.folder().join("bad.tar");
    std::fs::write(&bad, builder.into_inner()?)?;
    for words in [&["git:from-archive"][..], &["--dry-run", "git:from-archive"]] {
        let refused = ground.run(&[words, &[&app, text(&bad)?]].concat())?;
        refused.is_error_with_hint(
            1,
            &["`stolen` in the archive is a link to `/etc/passwd`, which leads out of it"],
        )?;
    }
    let new = ground.app("new");
    let refused = ground.run(&["git:from-archive", &new, text(&bad)?])?;
    refused.is_error_with_hint(1, &["leads out"])?;
    ground.run(&["apps:exists", &new])?.code_is(20)?;
    let missing = ground.run(&["git:from-archive", &app, "/nowhere/shop.tar"])?;
    missing.is_error_with_hint(1, &["/nowhere/shop.tar"])?;
    ensure(ground.ids(&app)? == ids, || {
        format!("{:?} is not {ids:?}", ground.ids(&app))
    })?;
    ensure(ground.ok(&["ps:report", &app])?.out == report, || {
        "the report changed".to_owned()
    })?;
    ensure(kept(ground, &app) == before && kept(ground, &new).is_empty(), || {
        format!("{:?} is not {before:?}", kept(ground, &app))
    })
}

/// A repository of a case.
struct Repository {
    folder: PathBuf,
}

impl Repository {
    fn new(ground: &Ground) -> Result<Self, Failure> {
        let folder = PathBuf::from(ground.source("repository", &[])?);
        std::fs::create_dir_all(&folder)?;
        let repository = Self { folder };
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        Ok(repository)
    }

    /// Commits the app whose page says this.
    fn commit(&self, ground: &Ground, page: &str) -> Result<String, Failure> {
        for (name, content) in files(ground, page) {
            std::fs::write(self.folder.join(name), content)?;
        }
        self.git(&["add", "--all"])?;
        let who = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"];
        self.git(&[&who[..], &["commit", "--quiet", "-m", page]].concat())?;
        self.git(&["rev-parse", "HEAD"])
    }

    fn git(&self, words: &[&str]) -> Result<String, Failure> {
        let mut git = Command::new("git");
        git.current_dir(&self.folder).args(words);
        let output = git.env("GIT_CONFIG_GLOBAL", "/dev/null").output()?;
        ensure(output.status.success(), || format!("git {words:?}: {output:?}"))?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

/// The commit that the current release was made from.
fn revision(ground: &Ground, app: &str) -> Result<String, Failure> {
    let sql = "SELECT revision FROM releases r JOIN apps a ON a.id = r.app_id AND r.number = a.current_release \
               WHERE a.name = ?1";
    Ok(ground.database()?.query_row(sql, [app], |row| row.get(0))?)
}

fn a_repository_is_deployed_and_a_rebuild_ships_its_newest_commit(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let repository = Repository::new(ground)?;
    let first = repository.commit(ground, "the first")?;
    let bare = ground.folder().join("bare.git");
    repository.git(&["clone", "--quiet", "--bare", ".", text(&bare)?])?;
    let push = || repository.git(&["push", "--quiet", text(&bare)?, "main"]);
    let deployed = ground.ok(&["git:sync", "--build", &app, text(&bare)?, "main"])?;
    ensure(deployed.err.contains("Fetching main of git repository"), || {
        deployed.told()
    })?;
    ensure(
        page(ground, &app)? == "the first" && revision(ground, &app)? == first,
        || "not the first".to_owned(),
    )?;
    let second = repository.commit(ground, "the second")?;
    push()?;
    ground.ok(&["ps:rebuild", &app])?;
    ensure(
        page(ground, &app)? == "the second" && revision(ground, &app)? == second,
        || "not the second".to_owned(),
    )?;
    let again = ground.ok(&["git:sync", "--build-if-changes", &app, text(&bare)?, "main"])?;
    ensure(
        again.err.contains("already") && !again.err.contains("is deployed"),
        || again.told(),
    )?;
    // A commit is that commit, whatever comes after it.
    ground.ok(&["git:sync", "--build", &app, text(&bare)?, &first])?;
    ensure(page(ground, &app)? == "the first", || "not the first again".to_owned())?;
    let ids = ground.ids(&app)?;
    for (repository, reference, code, words) in [
        (
            text(&bare)?,
            "nothing",
            1,
            "there is no branch, tag or commit `nothing`",
        ),
        (text(&bare)?, "--upload-pack=x", 2, "unexpected argument"),
        (text(&bare)?, "a:b", 2, "`a:b` is not a branch, a tag or a commit"),
        ("ext::sh -c x", "main", 2, "`::` would run a program"),
        ("https://me:hunter2x@host.example:x/", "a b", 2, "is not a branch"),
        ("/nowhere/at/all", "main", 1, "/nowhere/at/all"),
    ] {
        let failed = ground.run(&["git:sync", "--build", &app, repository, reference])?;
        failed.is_error(code, &[words])?;
        ensure(!failed.err.contains("hunter2x"), || failed.told())?;
    }
    ensure(ground.ids(&app)? == ids, || {
        "a failed sync changed something".to_owned()
    })
}

fn a_repository_is_recorded_without_a_build(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    let repository = Repository::new(ground)?;
    repository.commit(ground, "recorded")?;
    let place = text(&repository.folder)?;
    let plan = ground.ok(&["--dry-run", "git:sync", &app, place])?;
    plan.shows(&["create the app", "record the source git repository"])?;
    ground.ok(&["git:sync", &app, place])?;
    ensure(ground.ids(&app)?.is_empty(), || "it was deployed".to_owned())?;
    ground.ok(&["checks:skip", &app])?;
    ground.ok(&["ps:set", &app, "stop-timeout-seconds", "1"])?;
    ground.ok(&["ps:rebuild", &app])?;
    ensure(page(ground, &app)? == "recorded", || "another page".to_owned())?;
    // Without git there is a way to go on.
    let empty = ground.folder().join("empty");
    std::fs::create_dir_all(&empty)?;
    let mut command = ground.command(&["ps:rebuild", &app]);
    command.env("PATH", &empty);
    let failed = ground.run_command(command, "")?;
    failed.is_error_with_hint(1, &["the program git", "install git"])
}
