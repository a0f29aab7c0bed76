//! Figures of the listener in the text format of Prometheus, for who asks over HTTP. Invariant: whatever comes in, the answer is the
//! same; a request is not read beyond its first bytes, and nobody can hold the place for longer than a moment.

use std::fmt::Write;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ps_core::operations::ListenFigures;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use crate::arguments::MetricsPlace;

/// How long a reader may take.
const LIMIT: Duration = Duration::from_secs(2);

/// An open place.
pub(super) enum Offer {
    Unix(UnixListener, PathBuf),
    Loopback(TcpListener),
}

impl Offer {
    /// Opens the place. A socket that an earlier listener left is replaced; one that somebody listens on, or any other file, is not
    /// touched.
    pub(super) async fn open(place: &MetricsPlace) -> io::Result<Self> {
        Ok(match place {
            MetricsPlace::Unix(path) => {
                remove_abandoned(path).await?;
                Self::Unix(UnixListener::bind(path)?, path.clone())
            }
            MetricsPlace::Loopback(address) => Self::Loopback(TcpListener::bind(address).await?),
        })
    }

    /// Answers one after the other, for ever.
    pub(super) async fn serve(&self, figures: impl Fn() -> ListenFigures) {
        loop {
            let answered = match self {
                Self::Unix(listener, _) => match listener.accept().await {
                    Ok((stream, _)) => answer(stream, &figures()).await,
                    Err(error) => Err(error),
                },
                Self::Loopback(listener) => match listener.accept().await {
                    Ok((stream, _)) => answer(stream, &figures()).await,
                    Err(error) => Err(error),
                },
            };
            if answered.is_err() {
                // Whoever went away is no matter; where nothing can be accepted, it is not tried at once.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            remove(path);
        }
    }
}

/// Removes a socket that nobody listens on.
async fn remove_abandoned(path: &Path) -> io::Result<()> {
    if !path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket()) {
        return Ok(());
    }
    let in_use = |why: &str| {
        let text = format!("cannot offer metrics on {}: {why}", path.display());
        io::Error::new(io::ErrorKind::AddrInUse, text)
    };
    match UnixStream::connect(path).await {
        Ok(_) => Err(in_use("somebody else listens there")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(in_use(&error.to_string())),
    }
}

fn remove(path: &Path) {
    // Best effort: the next listener replaces it.
    let _ = std::fs::remove_file(path);
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, figures: &ListenFigures) -> io::Result<()> {
    let body = text(figures);
    let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close";
    let work = async {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await?;
        let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    tokio::time::timeout(LIMIT, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// The whole page.
#[expect(clippy::too_many_lines, reason = "one row a figure")]
fn text(figures: &ListenFigures) -> String {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let compared = figures
        .compared_at
        .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
        .unwrap_or_default();
    let rows: [(&str, &str, &str, u64); 13] = [
        ("apps", "gauge", "Apps that psctl knows.", count(figures.apps)),
        (
            "replicas_wanted",
            "gauge",
            "Replicas that should run.",
            count(figures.wanted),
        ),
        (
            "replicas_running",
            "gauge",
            "Replicas that ran at the last look.",
            count(figures.running),
        ),
        (
            "apps_quarantined",
            "gauge",
            "Apps in quarantine.",
            count(figures.quarantined),
        ),
        ("crashes_total", "counter", "Failures of replicas.", figures.crashes),
        (
            "quarantines_total",
            "counter",
            "Apps taken out of service.",
            figures.quarantines,
        ),
        (
            "redeploys_total",
            "counter",
            "Apps redeployed after their restarts were used up.",
            figures.redeploys,
        ),
        (
            "replacements_total",
            "counter",
            "Replicas replaced by their liveness checks.",
            figures.replacements,
        ),
        (
            "restores_total",
            "counter",
            "Apps brought back after the engine was gone.",
            figures.restores,
        ),
        (
            "reroutes_total",
            "counter",
            "Changes of the proxy for a new address.",
            figures.reroutes,
        ),
        ("failures_total", "counter", "Acts that failed.", figures.failures),
        (
            "event_stream_losses_total",
            "counter",
            "Lost connections to the engine's events.",
            figures.losses,
        ),
        (
            "last_comparison_timestamp_seconds",
            "gauge",
            "When everything was last compared.",
            compared.as_secs(),
        ),
    ];
    let mut page = String::new();
    for (name, kind, help, value) in rows {
        // Writing to a string does not fail.
        let _ = write!(
            page,
            "# HELP psctl_{name} {help}\n# TYPE psctl_{name} {kind}\npsctl_{name} {value}\n"
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_is_served_on_a_socket_that_goes_with_the_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.sock");
        let figures = ListenFigures {
            wanted: 3,
            crashes: 7,
            ..ListenFigures::default()
        };
        let offer = Offer::open(&MetricsPlace::Unix(path.clone())).await.unwrap();
        let asking = async {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = tokio::select! {
            answer = asking => answer,
            () = offer.serve(|| figures) => panic!("it serves for ever"),
        };
        assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
        for line in [
            "psctl_replicas_wanted 3",
            "psctl_crashes_total 7",
            "# TYPE psctl_apps gauge",
        ] {
            assert!(answer.lines().any(|found| found == line), "{line}\n{answer}");
        }
        drop(offer);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_is_replaced_only_when_nobody_listens_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.sock");
        let place = MetricsPlace::Unix(path.clone());
        let somebody = UnixListener::bind(&path).unwrap();
        let error = Offer::open(&place).await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(
            error.to_string().contains("engine.sock: somebody else listens there"),
            "{error}"
        );
        UnixStream::connect(&path).await.unwrap();
        drop(somebody);
        let datagrams = folder.path().join("datagrams.sock");
        let _datagrams = std::os::unix::net::UnixDatagram::bind(&datagrams).unwrap();
        assert!(Offer::open(&MetricsPlace::Unix(datagrams.clone())).await.is_err());
        assert!(datagrams.exists());
        drop(Offer::open(&place).await.unwrap());
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "mine").unwrap();
        assert!(Offer::open(&MetricsPlace::Unix(path.clone())).await.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }
}
