//! Has nginx take the files in: starts it or tells it, and waits until it answers with their number. Invariant: every wait is bounded.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use ps_core::proxy::{ProxyError, ProxyErrorKind};
use tokio::process::Command;
use tokio::time::Instant;

use crate::change::Change;
use crate::config::NginxMode;
use crate::generation::Generations;
use crate::master::{Master, end_orphan, is_taking_connections};
use crate::number_question::{NumberQuestion, number_host};
use crate::port::down;
use crate::process::run;
use crate::refusal::refusal;

/// How often nginx is asked whether it has the new configuration.
const POLL: Duration = Duration::from_millis(5);

/// How long an old worker that does not say that it ends is waited for, once the new ones answer.
const OLD_WORKERS: Duration = Duration::from_secs(2);

/// How long a reload command may take.
const RELOAD_LIMIT: Duration = Duration::from_secs(30);

/// An error log larger than this begins anew, in bytes.
const LARGEST_LOG: u64 = 10 << 20;

/// More workers than a machine has.
const MOST_ORPHANS: usize = 1024;

/// What there is just before nginx is told to read its files.
#[derive(Debug)]
pub(crate) struct Eve {
    /// The processes that take connections.
    workers: BTreeSet<i32>,
    /// The length of the error log.
    log: u64,
}

impl Change {
    pub(crate) fn is_own(&self) -> bool {
        self.config.mode == NginxMode::Own
    }

    pub(crate) fn master(&self) -> Option<Master> {
        let configuration = self.places.own_configuration();
        Master::of(&self.pid_file, self.is_own().then_some(configuration.as_path()))
    }

    pub(crate) fn question(&self, port: u16) -> NumberQuestion {
        NumberQuestion {
            port,
            host: number_host(&self.surroundings.short_owner),
        }
    }

    /// Has nginx read its files, or starts one of psctl's own.
    pub(crate) async fn bring_in(&self) -> Result<(), ProxyError> {
        match self.master() {
            Some(master) => self.reload(master).await,
            None if self.is_own() => self.start().await,
            None => Err(down()),
        }
    }

    /// What there is just before nginx is told to read its files.
    pub(crate) fn eve(&self) -> Eve {
        self.begin_large_log_anew();
        Eve {
            workers: self.master().map(Master::workers).unwrap_or_default(),
            log: self.log_length(),
        }
    }

    /// Workers whose master was killed go on serving what they know, and hold the port.
    async fn end_orphans(&self) {
        let question = self.question(self.config.http_port);
        for _ in 0..MOST_ORPHANS {
            match question.ask_worker().await {
                Some((_, worker)) if end_orphan(worker) => tokio::time::sleep(POLL).await,
                _ => return,
            }
        }
    }

    async fn start(&self) -> Result<(), ProxyError> {
        self.end_orphans().await;
        let ended = self.program.start(&self.places.own_configuration()).await?;
        if ended.is_success() {
            return Ok(());
        }
        let mut failure = refusal(ended.said, &[]);
        failure.kind = ProxyErrorKind::Down;
        failure.message = failure
            .message
            .replacen("nginx refuses the configuration", "nginx does not start", 1);
        Err(failure)
    }

    pub(crate) async fn reload(&self, master: Master) -> Result<(), ProxyError> {
        let failed = |message: String, said: Vec<String>| {
            let mut failure = ProxyError::new(ProxyErrorKind::Failed, message);
            failure.said = said;
            failure
        };
        let (what, ended) = match self.config.reload_command.as_deref() {
            Some([program, arguments @ ..]) => {
                let mut command = Command::new(program);
                command.args(arguments);
                let what = [std::slice::from_ref(program), arguments].concat().join(" ");
                let ended = run(command, RELOAD_LIMIT).await;
                (
                    what.clone(),
                    ended.map_err(|error| failed(format!("cannot run `{what}`: {error}"), Vec::new()))?,
                )
            }
            Some([]) => return Err(failed("the reload command is empty".to_owned(), Vec::new())),
            None if self.is_own() => {
                let signalled = master.reload();
                return signalled.map_err(|error| failed(format!("cannot signal nginx: {error}"), Vec::new()));
            }
            None => ("nginx -s reload".to_owned(), self.program.signal_reload().await?),
        };
        if ended.is_success() {
            return Ok(());
        }
        Err(failed(format!("`{what}` {}", ended.in_words()), ended.said))
    }

    /// Returns when nginx steadily answers with the number and the workers of before take no connections any more.
    pub(crate) async fn wait_for(&self, number: u64, eve: &Eve) -> Result<(), ProxyError> {
        let port = Generations::of(&self.places)
            .port(number)?
            .unwrap_or(self.config.http_port);
        let question = self.question(port);
        let end = Instant::now() + self.patience;
        let mut answered_since: Option<Instant> = None;
        while Instant::now() < end {
            let old_end = eve.workers.iter().all(|worker| !is_taking_connections(*worker));
            if question.is_steadily(Some(number)).await {
                let since = *answered_since.get_or_insert_with(Instant::now);
                // Only what was asked after the old workers left says something.
                if old_end || since.elapsed() >= OLD_WORKERS {
                    return Ok(());
                }
            } else if let Some(error) = self.new_fault(eve.log) {
                return Err(error);
            }
            tokio::time::sleep(POLL).await;
        }
        let message = format!(
            "nginx did not take in the new configuration within {} s",
            self.patience.as_secs()
        );
        let mut failure = ProxyError::new(ProxyErrorKind::Refused, message);
        failure.hint = Some(if self.is_own() {
            format!("see {}", self.places.own_error_log().display())
        } else {
            format!(
                "see nginx's error log; a server that listens on 127.0.0.1:{} alone would hide those of psctl",
                self.config.http_port
            )
        });
        Err(failure)
    }

    /// Whether nobody answers with a number any more.
    pub(crate) async fn is_gone(&self) -> bool {
        let generations = Generations::of(&self.places);
        let named = generations.named().ok().flatten();
        let port = named.and_then(|named| generations.port(named).ok().flatten());
        let question = self.question(port.unwrap_or(self.config.http_port));
        let end = Instant::now() + self.patience;
        while Instant::now() < end {
            if question.is_steadily(None).await {
                return true;
            }
            tokio::time::sleep(POLL).await;
        }
        false
    }

    fn log_length(&self) -> u64 {
        fs::metadata(self.places.own_error_log()).map_or(0, |metadata| metadata.len())
    }

    /// What psctl's own nginx wrote since then about something that it cannot go on with.
    fn new_fault(&self, since: u64) -> Option<ProxyError> {
        if !self.is_own() {
            return None;
        }
        let text = fs::read_to_string(self.places.own_error_log()).ok()?;
        let new = text.get(usize::try_from(since).ok()?..)?;
        let said: Vec<String> = new
            .lines()
            .filter(|line| line.contains("[emerg]"))
            .map(str::to_owned)
            .collect();
        // A port that is taken is tried again for some seconds; then it says that it gives up.
        let gives_up = said.iter().any(|line| !line.contains("bind() to "));
        gives_up.then(|| refusal(said, &[]))
    }

    /// nginx opens it again with the reload that follows.
    fn begin_large_log_anew(&self) {
        let log = self.places.own_error_log();
        if self.is_own() && self.log_length() > LARGEST_LOG {
            // An old log that cannot be moved is no reason to serve nothing.
            let _ = fs::rename(&log, log.with_extension("log.1"));
        }
    }
}
