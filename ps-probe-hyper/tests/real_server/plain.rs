//! Plain HTTP.

use std::time::Duration;

use ps_core::probe::{HttpAnswer, HttpProbe, HttpProber, ProbeError};
use ps_probe_hyper::HyperProber;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use crate::server::{head, probe, serve, soon};

/// What a server that writes these bytes, and then closes, is understood to say.
async fn ask(bytes: &'static [u8]) -> Result<HttpAnswer, ProbeError> {
    let address = serve(move |mut stream: TcpStream| async move {
        head(&mut stream).await;
        stream.write_all(bytes).await.unwrap();
    })
    .await;
    soon(HyperProber.probe(&probe(address))).await
}

fn answer(status: u16, body: &'static str) -> HttpAnswer {
    HttpAnswer {
        status,
        body: body.into(),
    }
}

#[tokio::test]
async fn status_and_body_are_read() {
    let ok = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
    assert_eq!(ok, answer(200, "hello"));
    let failed = ask(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy").await;
    assert_eq!(failed.unwrap(), answer(503, "busy"));
}

#[tokio::test]
async fn a_body_may_end_with_the_connection_or_come_in_chunks() {
    let closed = ask(b"HTTP/1.0 200 OK\r\n\r\nold style").await.unwrap();
    assert_eq!(closed, answer(200, "old style"));
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    assert_eq!(ask(chunked).await.unwrap(), answer(200, "hello world"));
    let empty = ask(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    assert_eq!(empty, answer(204, ""));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (asked, mut requests) = mpsc::unbounded_channel();
    let address = serve(move |mut stream: TcpStream| {
        let asked = asked.clone();
        async move {
            asked.send(head(&mut stream).await).unwrap();
            let found = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(found).await.unwrap();
        }
    })
    .await;
    assert_eq!(soon(HyperProber.probe(&probe(address))).await.unwrap().status, 302);
    assert!(requests.recv().await.is_some());
    assert!(requests.try_recv().is_err(), "one request");
}

#[tokio::test]
async fn the_request_is_what_was_asked_for() {
    let (asked, mut requests) = mpsc::unbounded_channel();
    let address = serve(move |mut stream: TcpStream| {
        let asked = asked.clone();
        async move {
            asked.send(head(&mut stream).await).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .await
                .unwrap();
        }
    })
    .await;
    let probe = HttpProbe {
        path: "/up?full=1".to_owned(),
        host: "shop.example".to_owned(),
        headers: vec![
            ("X-Forwarded-Proto".to_owned(), "https".to_owned()),
            ("User-Agent".to_owned(), "my own".to_owned()),
        ],
        ..probe(address)
    };
    soon(HyperProber.probe(&probe)).await.unwrap();
    let head = requests.recv().await.unwrap().to_lowercase();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("get /up?full=1 http/1.1"));
    let headers: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    for line in ["host: shop.example", "x-forwarded-proto: https", "user-agent: my own"] {
        assert_eq!(headers.iter().filter(|other| **other == line).count(), 1, "{headers:?}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_written_is_not_sent() {
    let address = serve(|_| async {}).await;
    for probe in [
        HttpProbe {
            path: "/two words".to_owned(),
            ..probe(address)
        },
        HttpProbe {
            host: "two\r\nlines".to_owned(),
            ..probe(address)
        },
        HttpProbe {
            headers: vec![("X-Line".to_owned(), "a\r\nX-Other: b".to_owned())],
            ..probe(address)
        },
        HttpProbe {
            headers: vec![("No Name".to_owned(), "a".to_owned())],
            ..probe(address)
        },
    ] {
        let result = soon(HyperProber.probe(&probe)).await;
        assert!(matches!(result, Err(ProbeError::InvalidRequest(_))), "{result:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_no_connection() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let std::net::SocketAddr::V4(address) = free.local_addr().unwrap() else {
        panic!("an IPv4 address")
    };
    drop(free);
    let result = soon(HyperProber.probe(&probe(address))).await;
    assert!(matches!(result, Err(ProbeError::NoConnection { .. })), "{result:?}");
}

#[tokio::test]
async fn what_is_no_http_is_broken() {
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ntoo short",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let result = ask(bytes).await;
        assert!(matches!(result, Err(ProbeError::Broken(_))), "{bytes:?}: {result:?}");
    }
}

#[tokio::test]
async fn heads_without_an_end_are_broken() {
    let address = serve(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while written.is_ok() {
            written = stream
                .write_all(b"X-Filler: filler filler filler filler filler\r\n")
                .await;
        }
    })
    .await;
    let result = soon(HyperProber.probe(&probe(address))).await;
    assert!(matches!(result, Err(ProbeError::Broken(_))), "{result:?}");
}

#[tokio::test]
async fn a_body_of_a_gigabyte_ends_at_the_limit() {
    const GIGABYTE: usize = 1 << 30;
    let (ended, end) = oneshot::channel();
    let ended = std::sync::Mutex::new(Some(ended));
    let address = serve(move |mut stream: TcpStream| {
        let ended = ended.lock().unwrap().take();
        async move {
            head(&mut stream).await;
            let begun = format!("HTTP/1.1 200 OK\r\nContent-Length: {GIGABYTE}\r\n\r\n");
            let mut written = stream.write_all(begun.as_bytes()).await;
            let (part, mut sent) = (vec![b'x'; 64 * 1024], 0);
            while written.is_ok() && sent < GIGABYTE {
                written = stream.write_all(&part).await;
                sent += part.len();
            }
            ended.unwrap().send(sent).unwrap();
        }
    })
    .await;
    let probe = HttpProbe {
        body_limit: 100_000,
        ..probe(address)
    };
    let answer = soon(HyperProber.probe(&probe)).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 100_000));
    let sent = soon(end).await.unwrap();
    assert!(sent < GIGABYTE, "the connection was closed");
}

/// A server whose body drips for ever; the channel says when its client has gone.
async fn dripping() -> (std::net::SocketAddrV4, mpsc::UnboundedReceiver<()>) {
    let (gone, left) = mpsc::unbounded_channel();
    let address = serve(move |mut stream: TcpStream| {
        let gone = gone.clone();
        async move {
            head(&mut stream).await;
            let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while written.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
                written = stream.write_all(b"x").await;
            }
            gone.send(()).unwrap();
        }
    })
    .await;
    (address, left)
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection() {
    let (address, mut left) = dripping().await;
    let short = Duration::from_millis(200);
    let never = tokio::time::timeout(short, HyperProber.probe(&probe(address))).await;
    assert!(never.is_err(), "{never:?}");
    soon(left.recv()).await.unwrap();
}

#[tokio::test]
async fn where_only_the_status_matters_the_body_is_not_waited_for() {
    let (address, mut left) = dripping().await;
    let probe = HttpProbe {
        body_limit: 0,
        ..probe(address)
    };
    let answer = soon(HyperProber.probe(&probe)).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    soon(left.recv()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_keeps_the_connection_does_not_keep_the_call() {
    let (end_all, _open) = tokio::sync::watch::channel(());
    let address = serve(move |mut stream: TcpStream| {
        let mut end = end_all.subscribe();
        async move {
            head(&mut stream).await;
            let kept = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(kept).await.unwrap();
            let _ = end.changed().await;
        }
    })
    .await;
    assert_eq!(
        soon(HyperProber.probe(&probe(address))).await.unwrap(),
        answer(200, "ok")
    );
}
