//! Other processes: this test binary again, told by its environment what to do. Without that, the test here does nothing.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use ps_core::store::{LockKind, Store, StoreChange};
use rustix::fs::Mode;

use super::parse;
use crate::SqliteStore;

const ROLE: &str = "PS_STORE_TEST_ROLE";
const FOLDER: &str = "PS_STORE_TEST_FOLDER";
const MARK: &str = "said: ";

/// Somebody who is neither root nor the user of the tests.
pub(super) const NOBODY: u32 = 65_534;

/// Whether the tests may become somebody else.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A process that plays a role until it is dropped.
pub(super) struct Actor {
    process: std::process::Child,
    output: BufReader<ChildStdout>,
}

impl Actor {
    pub(super) fn start(role: &str, folder: &Path) -> Self {
        Self::start_as(None, role, folder)
    }

    /// As an ordinary user, for whom modes count.
    pub(super) fn start_as_nobody(role: &str, folder: &Path) -> Self {
        Self::start_as(is_root().then_some(NOBODY), role, folder)
    }

    fn start_as(user: Option<u32>, role: &str, folder: &Path) -> Self {
        // By this name it can be run by users who cannot walk to where it is.
        let mut command = Command::new("/proc/self/exe");
        command.args(["tests::roles::an_actor_plays_its_role", "--exact", "--test-threads=1"]);
        command
            .env(ROLE, role)
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next thing it says.
    pub(super) fn hear(&mut self) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.trim_end().split_once(MARK) {
                return said.to_owned();
            }
            line.clear();
        }
        panic!("the actor fell silent");
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets it end by itself.
    pub(super) fn finish(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn say(text: &str) {
    // Past the capture of the test harness.
    writeln!(std::io::stdout(), "\n{MARK}{text}").unwrap();
}

fn wait_for_the_end() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
async fn an_actor_plays_its_role() {
    let (Ok(role), Some(folder)) = (env::var(ROLE), env::var_os(FOLDER)) else {
        return;
    };
    let folder = Path::new(&folder);
    match role.as_str() {
        "hold a lock" => {
            let store = SqliteStore::open(folder).unwrap();
            let verb = "ps:restart\nshop";
            let _held = store
                .lock_app(&parse("shop"), LockKind::Change, verb, Duration::ZERO)
                .await
                .unwrap();
            say("held");
            wait_for_the_end();
        }
        "show open files" => {
            let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
            let files: Vec<_> = links.filter_map(|link| std::fs::read_link(link.path()).ok()).collect();
            say(&format!("{files:?}"));
            wait_for_the_end();
        }
        "create apps" => {
            let store = SqliteStore::open(folder).unwrap();
            for number in 0.. {
                let name = format!("a{}-{number}", std::process::id());
                let change = StoreChange::CreateApp(parse(&name));
                store.apply(&[change]).await.unwrap();
                say(&name);
            }
        }
        "open" => say_result(SqliteStore::open(folder).map(|_| ())),
        "open existing" => match SqliteStore::open_existing(folder) {
            Ok(Some(store)) => say(&format!("{} apps", store.apps().await.unwrap().len())),
            Ok(None) => say("nothing there"),
            Err(error) => say_result(Err(error)),
        },
        "open with open umask" => open_with_umask(folder, Mode::empty()).await,
        "open with closed umask" => open_with_umask(folder, Mode::from_raw_mode(0o777)).await,
        other => panic!("no role {other}"),
    }
}

fn say_result(result: Result<(), ps_core::store::StoreError>) {
    match result {
        Ok(()) => say("opened"),
        Err(error) => say(&format!(
            "{:?} | {error} | {}",
            error.kind,
            error.hint.clone().unwrap_or_default()
        )),
    }
}

async fn open_with_umask(folder: &Path, mask: Mode) {
    rustix::process::umask(mask);
    let store = SqliteStore::open(folder).unwrap();
    store.apply(&[StoreChange::CreateApp(parse("shop"))]).await.unwrap();
    let _held = store
        .lock_app(&parse("shop"), LockKind::Retire, "a", Duration::ZERO)
        .await
        .unwrap();
    say("opened");
    wait_for_the_end();
}
