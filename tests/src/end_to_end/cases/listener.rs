//! The listener over real engines: what it notices, what it does about it, and that nothing is lost when its connection is.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::{Case, Ground, ensure};
use super::listening::Listener;
use crate::conformance::{Failure, Verdict};

/// A worker that ends whenever it is told to, until its container is replaced.
const UNTIL_TOLD: &str = "worker: sh -c 'while [ ! -e /end ]; do sleep 0.2; done; exit 3'\n";

/// A worker that ends only when it is killed.
const EACH_TIME: &str = "worker: sleep 3600\n";

/// So often the connection is cut, and in every so-manieth gap the worker ends. Docker waits twice as long with each restart of what did
/// not run for ten seconds.
const CUTS: usize = 50;
const CRASH_EVERY: usize = 10;

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        restarts_used_up_lead_to_one_redeploy,
        an_app_that_always_crashes_is_quarantined_and_started_by_its_operator,
        a_dead_worker_is_noticed_and_old_containers_retire,
        fifty_cut_connections_lose_no_exit,
    ]
}

fn worker(ground: &Ground, policy: &str, procfile: &str) -> Result<String, Failure> {
    let app = ground.created("shop")?;
    ground.ok(&["ps:set", &app, "restart-policy", policy])?;
    ground.ok(&["ps:scale", &app, "web=0", "worker=1"])?;
    let source = ground.source_of("shop", procfile)?;
    ground.ok(&["deploy", &app, &source])?;
    Ok(app)
}

fn tell_to_end(ground: &Ground, app: &str) -> Verdict {
    // It may end amid the command that tells it to.
    ground.run(&["enter", app, "worker.1", "sh", "-c", ": > /end"])?;
    Ok(())
}

fn crashes(ground: &Ground) -> Result<usize, Failure> {
    let sql = "SELECT count(*) FROM crashes WHERE kind = 'ended'";
    let count: i64 = ground.database()?.query_row(sql, [], |row| row.get(0))?;
    Ok(usize::try_from(count)?)
}

fn quarantine(ground: &Ground) -> Result<Option<String>, Failure> {
    let sql = "SELECT quarantine_cause FROM apps";
    Ok(ground.database()?.query_row(sql, [], |row| row.get(0))?)
}

fn restarts_used_up_lead_to_one_redeploy(ground: &Ground) -> Verdict {
    let app = worker(ground, "on-failure:2", UNTIL_TOLD)?;
    let first = ground.id(&app, "worker.1")?;
    let listener = Listener::start(ground, &[])?;
    tell_to_end(ground, &app)?;
    listener.says(ground, "redeployed: worker.1 used up its restarts")?;
    ground.has_soon(&app, &["worker.1"])?;
    ensure(ground.id(&app, "worker.1")? != first, || {
        "the same container".to_owned()
    })?;
    let exits = crashes(ground)?;
    ensure(exits == 3, || format!("{exits} exits instead of three"))?;
    ensure(quarantine(ground)?.is_none(), || "it is in quarantine".to_owned())?;
    // The second time is too often.
    tell_to_end(ground, &app)?;
    listener.says(ground, "quarantined: worker.1 used up its restarts again")?;
    ground.eventually("nothing runs", || Ok(ground.runs_none(&app).is_ok().then_some(())))?;
    listener.end()
}

fn an_app_that_always_crashes_is_quarantined_and_started_by_its_operator(ground: &Ground) -> Verdict {
    let app = worker(ground, "always", UNTIL_TOLD)?;
    let listener = Listener::start(ground, &[])?;
    let second = ground.run(&["events:listen"])?;
    second.is_error(5, &["events:listen (pid"])?;
    tell_to_end(ground, &app)?;
    ground.eventually("some exits are counted", || Ok((crashes(ground)? >= 3).then_some(())))?;
    // It goes on counting with the next listener.
    listener.end()?;
    let listener = Listener::start(ground, &[])?;
    // Docker pauses longer and longer between restarts: that takes two minutes.
    let mut waited = 0;
    while quarantine(ground)?.is_none() && waited < 10 {
        let _ = ground.eventually("it is in quarantine", || Ok(quarantine(ground)?.map(drop)));
        waited += 1;
    }
    // An engine that pauses little between restarts may be faster than the look that follows the eleventh.
    listener.says(ground, "quarantined: worker.1 ended 1")?;
    ground.eventually("nothing runs", || Ok(ground.runs_none(&app).is_ok().then_some(())))?;
    ground.ok(&["ps:start", &app])?;
    ensure(quarantine(ground)?.is_none() && crashes(ground)? == 0, || {
        "the operator's start did not forgive".to_owned()
    })?;
    ground.ok(&["ps:stop", &app])?;
    listener.end()
}

fn a_dead_worker_is_noticed_and_old_containers_retire(ground: &Ground) -> Verdict {
    let app = worker(ground, "no", UNTIL_TOLD)?;
    let metrics = ground.folder().join("metrics.sock");
    let place = format!("unix:{}", metrics.display());
    let listener = Listener::start(ground, &["--metrics", &place])?;
    ground.ok(&["ps:restart", &app])?;
    ground.has_soon(&app, &["worker.1"])?;
    tell_to_end(ground, &app)?;
    listener.says(ground, "worker.1: it ended with code 3 and is not restarted")?;
    let page = ask(&metrics)?;
    for line in [
        "psctl_replicas_wanted 1",
        "psctl_replicas_running 0",
        "psctl_apps_quarantined 0",
    ] {
        ensure(page.lines().any(|found| found == line), || format!("no {line}: {page}"))?;
    }
    ground.ok(&["ps:stop", &app])?;
    listener.end()
}

fn ask(socket: &Path) -> Result<String, Failure> {
    use std::io::{Read, Write};
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

/// A socket before the engine's that can cut all connections.
struct Wire {
    open: Arc<Mutex<Vec<UnixStream>>>,
}

impl Wire {
    fn lay(path: &Path, engine: &str) -> Result<Self, Failure> {
        let engine = engine.strip_prefix("unix://").ok_or("no Unix socket")?.to_owned();
        let listener = UnixListener::bind(path)?;
        let open: Arc<Mutex<Vec<UnixStream>>> = Arc::default();
        let kept = Arc::clone(&open);
        // Ends with the test program.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = UnixStream::connect(&engine) else {
                    continue;
                };
                let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else {
                    continue;
                };
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(near.try_clone());
                kept.extend(far.try_clone());
                drop(kept);
                std::thread::spawn(move || pass(&near, &far));
                std::thread::spawn(move || pass(&far_too, &near_too));
            }
        });
        Ok(Self { open })
    }

    fn cut(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in open.drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn pass(mut from: &UnixStream, mut to: &UnixStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

fn fifty_cut_connections_lose_no_exit(ground: &Ground) -> Verdict {
    let app = worker(ground, "always", EACH_TIME)?;
    let socket = ground.folder().join("wire.sock");
    let wire = Wire::lay(&socket, ground.address())?;
    let address = format!("unix://{}", socket.display());
    let mut command = ground.command_without_engine(&["--host", &address, "events:listen"]);
    command.env("PSCTL_SUBNET", ground.subnet());
    let listener = Listener::start_prepared(ground, command)?;
    for round in 1..=CUTS {
        wire.cut();
        listener.says_times(ground, "lost the engine's events", round)?;
        if round % CRASH_EVERY == 0 {
            ground.eventually("the worker is killed", || {
                let entered = ground.run(&["enter", &app, "worker.1", "sh", "-c", "kill -9 -1"])?;
                // It may end before its own shell does; where none runs nothing was killed.
                Ok((!entered.err.contains("no container of")).then_some(()))
            })?;
        }
        listener.says_times(ground, "connected again", round)?;
        let expected = round / CRASH_EVERY;
        let all = ground.eventually("all exits are counted", || {
            Ok((crashes(ground)? == expected).then_some(()))
        });
        all.map_err(|failure| {
            let counted = crashes(ground).unwrap_or_default();
            let said = listener.err().unwrap_or_default();
            format!("{failure}: {counted} of {expected} in round {round}\n{said}")
        })?;
        // Something that the new connection tells, so that the next pause is a short one.
        ground.ok(&["run", &app, "sh", "-c", ":"])?;
    }
    ensure(quarantine(ground)?.is_none(), || "it is in quarantine".to_owned())?;
    listener.end()
}
