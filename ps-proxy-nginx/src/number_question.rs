//! Asks nginx which configuration it serves, the way a client would reach an app. Invariant: every question is a connection of its
//! own, since a worker that is on its way out goes on answering the connections it has.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How many fresh connections in a row have to agree.
const IN_A_ROW: usize = 8;

/// The most of an answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 4096;

/// Where to ask: the port, and a host that no app can have.
#[derive(Debug, Clone)]
pub(crate) struct NumberQuestion {
    pub(crate) port: u16,
    pub(crate) host: String,
}

/// The host that answers with the number.
pub(crate) fn number_host(short_owner: &str) -> String {
    format!("{short_owner}.psctl.internal")
}

impl NumberQuestion {
    /// The number that is answered; `None` when nobody answers, or somebody who has none.
    pub(crate) async fn ask(&self) -> Option<u64> {
        self.ask_worker().await.map(|(number, _)| number)
    }

    /// The number, and the process that answered.
    pub(crate) async fn ask_worker(&self) -> Option<(u64, i32)> {
        let answer = timeout(ANSWER, self.exchange()).await.ok()?.ok()?;
        read_number(&answer)
    }

    /// Whether this is answered on several fresh connections in a row.
    pub(crate) async fn is_steadily(&self, number: Option<u64>) -> bool {
        for _ in 0..IN_A_ROW {
            if self.ask().await != number {
                return false;
            }
        }
        true
    }

    async fn exchange(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.host);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

fn read_number(answer: &str) -> Option<(u64, i32)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut status = head.lines().next()?.split(' ');
    if status.nth(1) != Some("200") {
        return None;
    }
    let (number, worker) = body.strip_prefix("psctl ")?.trim().split_once(' ')?;
    Some((number.parse().ok()?, worker.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_ours_has_a_number() {
        let head = "HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n";
        assert_eq!(read_number(&format!("{head}psctl 17 4711\n")), Some((17, 4711)));
        assert_eq!(read_number(&format!("{head}17 4711\n")), None);
        assert_eq!(read_number("HTTP/1.1 403 Forbidden\r\n\r\npsctl 17\n"), None);
        assert_eq!(read_number("HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(read_number(""), None);
    }
}
