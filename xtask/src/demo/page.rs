//! One request to one replica, and whether it may be sent again: only when the replica cannot have begun to answer.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::http::parse_answer;

/// What every page of the example says.
const GREETING: &str = "Hello from psctl!\nreplica: ";

/// An address that nobody has any more gives no answer at all.
const CONNECT_LIMIT: Duration = Duration::from_millis(500);

/// Why a request got no page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// Not connected, or closed before the first byte: another replica may be asked.
    Unserved(String),
    /// Anything else: this request is lost.
    Broken(String),
}

impl fmt::Display for Miss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unserved(reason) | Self::Broken(reason)) = self;
        formatter.write_str(reason)
    }
}

/// The page at `address`, complete and right, before `deadline`.
pub(crate) fn fetch_page(address: SocketAddr, deadline: Instant) -> Result<String, Miss> {
    let unserved = |error: std::io::Error| Miss::Unserved(format!("{address}: {error}"));
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_LIMIT).map_err(unserved)?;
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(unserved)?;
    let mut received = Vec::new();
    let mut piece = [0_u8; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let limited = stream.set_read_timeout(Some(left.max(Duration::from_millis(1))));
        let read = limited.and_then(|()| stream.read(&mut piece));
        match read {
            Ok(0) if received.is_empty() => return Err(Miss::Unserved(format!("{address} closed the connection"))),
            Ok(count) => {
                received.extend_from_slice(piece.get(..count).unwrap_or_default());
                let answer = parse_answer(&received, count == 0);
                let answer = answer.map_err(|error| Miss::Broken(format!("{address}: {error}")))?;
                if let Some(answer) = answer {
                    return right_page(answer.status, &answer.text(), address);
                }
                if count == 0 {
                    return Err(Miss::Broken(format!("{address} closed within the answer")));
                }
            }
            Err(error) if received.is_empty() && error.kind() == std::io::ErrorKind::ConnectionReset => {
                return Err(unserved(error));
            }
            Err(error) => return Err(Miss::Broken(format!("{address}: {error}"))),
        }
    }
}

fn right_page(status: u16, text: &str, address: SocketAddr) -> Result<String, Miss> {
    if status == 200 && text.starts_with(GREETING) && text.ends_with('\n') {
        return Ok(text.to_owned());
    }
    Err(Miss::Broken(format!("{address} answered {status} and another page")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn asked(answer: &'static [u8]) -> Result<String, Miss> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0_u8; 1024]);
            stream.write_all(answer).unwrap();
        });
        let page = fetch_page(address, Instant::now() + Duration::from_secs(5));
        server.join().unwrap();
        page
    }

    #[test]
    fn a_whole_page_is_right() {
        let page = asked(b"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\nHello from psctl!\nreplica: web.1\n");
        assert_eq!(page.unwrap(), "Hello from psctl!\nreplica: web.1\n");
    }

    #[test]
    fn a_connection_closed_before_the_first_byte_may_be_tried_elsewhere() {
        assert!(matches!(asked(b""), Err(Miss::Unserved(_))));
    }

    #[test]
    fn half_an_answer_and_another_page_are_lost() {
        let half = asked(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nHello from psctl!\nreplica: web.1\n");
        assert!(matches!(half, Err(Miss::Broken(_))));
        let other = asked(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        assert!(matches!(other, Err(Miss::Broken(_))));
    }

    #[test]
    fn a_refused_connection_may_be_tried_elsewhere() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let page = fetch_page(free, Instant::now() + Duration::from_secs(5));
        assert!(matches!(page, Err(Miss::Unserved(_))));
    }
}
