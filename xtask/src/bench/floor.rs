//! The bare calls: recorded creates, then a start for each, by plain threads with a kept connection each. Nothing is read,
//! stored or decided in between, so no program that makes these calls can be faster by much.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::bench::recording::Request;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::{Answer, parse_answer};

const LIMIT: Duration = Duration::from_secs(60);

/// One connection that stays open.
struct Connection(UnixStream);

impl Connection {
    fn open(socket: &Path) -> Outcome<Self> {
        let stream = UnixStream::connect(socket).while_doing(|| format!("connect to {}", socket.display()))?;
        let limited = stream.set_read_timeout(Some(LIMIT));
        limited.while_doing(|| "bound the wait for an answer".to_owned())?;
        Ok(Self(stream))
    }

    fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Outcome<Answer> {
        let length = body.len();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        let answer = self
            .exchange(&request)
            .while_doing(|| format!("send {method} {path}"))?;
        if answer.status >= 300 {
            let told = answer.text();
            return Err(Failure::new(format!(
                "{method} {path} was answered {}: {}",
                answer.status,
                told.trim()
            )));
        }
        Ok(answer)
    }

    fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.0.write_all(request)?;
        let mut received = Vec::new();
        let mut piece = [0_u8; 4096];
        loop {
            let count = self.0.read(&mut piece)?;
            received.extend_from_slice(piece.get(..count).unwrap_or_default());
            if let Some(answer) = parse_answer(&received, count == 0)? {
                return Ok(answer);
            }
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// What the threads share: the next job, and the ids that the creates answered.
struct Jobs {
    next: usize,
    ids: Vec<Option<String>>,
    failed: bool,
}

/// Makes and starts the containers of `creates` with so many threads; answers how long it took, and their ids.
pub(crate) fn create_and_start(socket: &Path, creates: &[Request], threads: usize) -> Outcome<(Duration, Vec<String>)> {
    let jobs = Mutex::new(Jobs {
        next: 0,
        ids: vec![None; creates.len()],
        failed: false,
    });
    let answered = Condvar::new();
    let began = Instant::now();
    let results: Vec<Outcome<()>> = std::thread::scope(|scope| {
        let work = || take_jobs(socket, creates, &jobs, &answered);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let crashed = |_| Err(Failure::new("a thread of the floor crashed"));
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(crashed))
            .collect()
    });
    let took = began.elapsed();
    let ids: Vec<String> = lock(&jobs).ids.iter().flatten().cloned().collect();
    let result: Outcome<()> = results.into_iter().collect();
    if let Err(failure) = result {
        remove(socket, &ids)?;
        return Err(failure);
    }
    Ok((took, ids))
}

fn take_jobs(socket: &Path, creates: &[Request], jobs: &Mutex<Jobs>, answered: &Condvar) -> Outcome<()> {
    let mut connection = Connection::open(socket)?;
    loop {
        let job = {
            let mut jobs = lock(jobs);
            jobs.next += 1;
            jobs.next - 1
        };
        let done = if let Some(create) = creates.get(job) {
            make(&mut connection, create).map(|id| lock(jobs).ids.get_mut(job).map(|slot| *slot = Some(id)))
        } else if job < creates.len() * 2 {
            let position = job - creates.len();
            let is_missing = |jobs: &mut Jobs| !jobs.failed && jobs.ids.get(position).is_none_or(Option::is_none);
            let waited = answered.wait_while(lock(jobs), is_missing);
            let id = waited
                .unwrap_or_else(PoisonError::into_inner)
                .ids
                .get(position)
                .cloned()
                .flatten();
            let Some(id) = id else { return Ok(()) };
            connection
                .send("POST", &format!("/containers/{id}/start"), &[])
                .map(|_| None)
        } else {
            return Ok(());
        };
        lock(jobs).failed |= done.is_err();
        answered.notify_all();
        done?;
    }
}

fn make(connection: &mut Connection, create: &Request) -> Outcome<String> {
    let answer = connection.send(&create.method, &create.path, &create.body)?;
    let value: serde_json::Value = serde_json::from_slice(&answer.body).while_doing(|| "read an id".to_owned())?;
    let id = value.get("Id").and_then(serde_json::Value::as_str);
    id.map(str::to_owned)
        .ok_or_else(|| Failure::new("a create answered no id"))
}

/// Removes containers by their ids.
pub(crate) fn remove(socket: &Path, ids: &[String]) -> Outcome<()> {
    let mut connection = Connection::open(socket)?;
    for id in ids {
        connection.send("DELETE", &format!("/containers/{id}?force=1&v=1"), &[])?;
    }
    Ok(())
}

fn lock(jobs: &Mutex<Jobs>) -> std::sync::MutexGuard<'_, Jobs> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}
