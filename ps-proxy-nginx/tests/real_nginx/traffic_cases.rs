//! What becomes of requests on their way to an app.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use ps_core::proxy::{Proxy, SiteChange};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::app_server::AppServer;
use crate::client::{get, send};
use crate::ground::{Ground, free_port, serve, site};
use crate::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case(
            "an_app_learns_where_a_request_came_from",
            an_app_learns_where_a_request_came_from,
        ),
        case(
            "a_host_header_cannot_differ_from_the_request_line",
            a_host_header_cannot_differ,
        ),
        case("websockets_go_through_both_ways", websockets_go_through_both_ways),
        case("connections_to_an_app_are_kept", connections_to_an_app_are_kept),
        case("a_body_over_the_limit_is_refused", a_body_over_the_limit_is_refused),
        case(
            "a_dead_replica_loses_no_request_that_may_be_repeated",
            a_dead_replica_loses_no_request,
        ),
        case(
            "a_post_that_was_sent_is_never_repeated",
            a_post_that_was_sent_is_never_repeated,
        ),
        case(
            "a_replica_that_is_silent_is_a_504_after_its_time",
            a_replica_that_is_silent_is_a_504,
        ),
        case(
            "parts_of_an_answer_are_not_held_back",
            parts_of_an_answer_are_not_held_back,
        ),
        case("large_headers_of_an_answer_pass", large_headers_of_an_answer_pass),
    ]
}

/// A ground with one app at these addresses.
async fn with_shop(addresses: &[SocketAddrV4]) -> (Ground, u16) {
    let ground = Ground::own();
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], addresses)])
        .await
        .unwrap();
    let port = ground.config.http_port;
    (ground, port)
}

/// Something that reads a request and then does as it is told.
async fn stub<F, R>(answer: F) -> SocketAddrV4
where
    F: Fn(TcpStream) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            answer(stream).await;
        }
    });
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

async fn an_app_learns_where_a_request_came_from() {
    let shop = AppServer::named("shop").await;
    let (_ground, port) = with_shop(&[shop.address]).await;
    let seen = get(port, &format!("shop.localhost:{port}"), "/request")
        .await
        .unwrap()
        .body;
    for header in [
        format!("Host: shop.localhost:{port}"),
        "X-Forwarded-For: 127.0.0.1".to_owned(),
        "X-Forwarded-Proto: http".to_owned(),
        format!("X-Forwarded-Host: shop.localhost:{port}"),
        format!("X-Forwarded-Port: {port}"),
    ] {
        assert!(seen.lines().any(|line| line == header), "{header} in {seen}");
    }
    assert!(!seen.contains("Connection:") && !seen.contains("Upgrade:"), "{seen}");
    // What stands in front on this host is believed.
    let request = "GET /request HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.7\r\n\
        X-Forwarded-Proto: https\r\nX-Forwarded-Host: www.example.com\r\n\r\n";
    let seen = send(port, request).await.unwrap().body;
    for header in [
        "X-Forwarded-For: 192.0.2.7, 127.0.0.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: www.example.com",
        "X-Forwarded-Port: 443",
    ] {
        assert!(seen.lines().any(|line| line == header), "{header} in {seen}");
    }
}

async fn a_host_header_cannot_differ() {
    let shop = AppServer::named("shop").await;
    let (_ground, port) = with_shop(&[shop.address]).await;
    let request = "GET http://shop.localhost/request HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\n\r\n";
    let seen = send(port, request).await.unwrap().body;
    assert!(
        seen.contains("Host: shop.localhost\r\n") && !seen.contains("evil"),
        "{seen}"
    );
}

async fn websockets_go_through_both_ways() {
    let shop = AppServer::named("shop").await;
    let (_ground, port) = with_shop(&[shop.address]).await;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let request = "GET /socket HTTP/1.1\r\nHost: shop.localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(
        head.starts_with("HTTP/1.1 101 ") && head.contains("Upgrade: websocket"),
        "{head}"
    );
    for word in ["one", "two"] {
        stream.write_all(word.as_bytes()).await.unwrap();
        let mut echo = [0; 3];
        stream.read_exact(&mut echo).await.unwrap();
        assert_eq!(echo, word.as_bytes());
    }
}

async fn connections_to_an_app_are_kept() {
    let shop = AppServer::named("shop").await;
    let (_ground, port) = with_shop(&[shop.address]).await;
    for _ in 0..50 {
        assert_eq!(get(port, "shop.localhost", "/").await.unwrap().status, 200);
    }
    // Each worker has connections of its own; workers are as many as CPUs.
    let workers = std::thread::available_parallelism().unwrap().get();
    assert_eq!(shop.requests(), 50);
    assert!(
        shop.connections() <= workers.min(49),
        "{} connections",
        shop.connections()
    );
}

async fn a_body_over_the_limit_is_refused() {
    let shop = AppServer::named("shop").await;
    let (ground, port) = with_shop(&[shop.address]).await;
    let posted = |length: usize| {
        let body = "x".repeat(length);
        format!(
            "POST / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    assert_eq!(send(port, &posted(1 << 20)).await.unwrap().status, 200);
    assert_eq!(send(port, &posted((1 << 20) + 1)).await.unwrap().status, 413);
    let mut site = site("shop", &["shop.localhost"], &[shop.address]);
    site.settings.body_limit = 0;
    ground.proxy().change_sites(&[SiteChange::Serve(site)]).await.unwrap();
    assert_eq!(send(port, &posted(3 << 20)).await.unwrap().status, 200);
}

async fn a_dead_replica_loses_no_request() {
    let shop = AppServer::named("shop").await;
    let dead = SocketAddrV4::new(Ipv4Addr::LOCALHOST, free_port());
    let closing = stub(async |stream| drop(stream)).await;
    let (_ground, port) = with_shop(&[dead, closing, shop.address]).await;
    for number in 0..30 {
        let answer = get(port, "shop.localhost", "/").await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "shop"), "request {number}");
    }
}

async fn a_post_that_was_sent_is_never_repeated() {
    let shop = AppServer::named("shop").await;
    let closing = stub(async |stream| drop(stream)).await;
    let (_ground, port) = with_shop(&[closing, shop.address]).await;
    let posted = "POST / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(send(port, posted).await.unwrap().status);
    }
    let lost = statuses.iter().filter(|status| **status == 502).count();
    // One for each worker that had to find out.
    assert!(lost >= 1 && shop.requests() == 10 - lost, "{statuses:?}");
    // Nothing was sent to one that takes no connection: it goes to the next.
    let dead = SocketAddrV4::new(Ipv4Addr::LOCALHOST, free_port());
    let (_ground, port) = with_shop(&[dead, shop.address]).await;
    for _ in 0..10 {
        assert_eq!(send(port, posted).await.unwrap().status, 200);
    }
}

async fn a_replica_that_is_silent_is_a_504() {
    let silent = stub(async |stream| {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop(stream);
        });
    })
    .await;
    let shop = AppServer::named("shop").await;
    let ground = Ground::own();
    let mut quick = site("shop", &["shop.localhost"], &[silent, shop.address]);
    quick.settings.read_timeout = Duration::from_millis(300);
    ground.proxy().change_sites(&[SiteChange::Serve(quick)]).await.unwrap();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(
            get(ground.config.http_port, "shop.localhost", "/")
                .await
                .unwrap()
                .status,
        );
    }
    // What waited its whole time is not asked again of the next replica.
    assert!(statuses.contains(&504) && statuses.contains(&200), "{statuses:?}");
}

async fn parts_of_an_answer_are_not_held_back() {
    let slow = stub(async |mut stream| {
        tokio::spawn(async move {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n";
            let _ = stream.write_all(format!("{head}5\r\nfirst\r\n").as_bytes()).await;
            // Never the end: the first part has to come without it.
            tokio::time::sleep(Duration::from_secs(60)).await;
        });
    })
    .await;
    let (_ground, port) = with_shop(&[slow]).await;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
        .await
        .unwrap();
    let mut seen = Vec::new();
    let first_part = async {
        while !String::from_utf8_lossy(&seen).contains("first") {
            seen.push(stream.read_u8().await.unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), first_part).await.unwrap();
}

async fn large_headers_of_an_answer_pass() {
    let large = stub(async |mut stream| {
        let cookie = "x".repeat(12_000);
        let answer = format!("HTTP/1.1 200 OK\r\nSet-Cookie: a={cookie}\r\nContent-Length: 0\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let (_ground, port) = with_shop(&[large]).await;
    let answer = get(port, "shop.localhost", "/").await.unwrap();
    assert!(answer.status == 200 && answer.head.len() > 12_000);
}
