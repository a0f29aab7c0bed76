//! Checks by an HTTP request. Invariant: at most [`BODY_LIMIT`] bytes of an answer are read, and none where only its status matters.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::attempts::within;
use super::{Alive, CheckFailure};
use crate::addresses::Endpoint;
use crate::plan::{HttpCheck, StartupCheck};
use crate::probe::{HttpAnswer, HttpProbe};

/// How much of a body is looked at for a check's content.
const BODY_LIMIT: usize = 1024 * 1024;

pub(super) async fn attempt(alive: Alive<'_>, check: &StartupCheck, asked: &HttpCheck) -> Result<(), CheckFailure> {
    let candidate = alive.candidate;
    let probe = HttpProbe::of(asked, candidate.endpoint).ok_or(CheckFailure::NoEndpoint)?;
    let request = async {
        let answer = candidate.ports.prober.probe(&probe).await;
        judge(asked, &answer.map_err(CheckFailure::NoAnswer)?)
    };
    within(candidate.ports.clock, check.timeout, request).await
}

impl HttpProbe {
    fn of(asked: &HttpCheck, endpoint: Option<Endpoint>) -> Option<Self> {
        let address = match endpoint? {
            Endpoint::Address(address) => SocketAddrV4::new(address, asked.port),
            Endpoint::LoopbackPort(port) => SocketAddrV4::new(Ipv4Addr::LOCALHOST, port),
        };
        Some(Self {
            scheme: asked.scheme,
            address,
            path: asked.path.clone(),
            host: asked.host.clone().unwrap_or_else(|| address.to_string()),
            headers: asked.headers.clone(),
            body_limit: asked.content.as_ref().map_or(0, |_| BODY_LIMIT),
        })
    }
}

/// Whether an answer is what the check asks for.
fn judge(asked: &HttpCheck, answer: &HttpAnswer) -> Result<(), CheckFailure> {
    if !(200..300).contains(&answer.status) {
        return Err(CheckFailure::Status(answer.status));
    }
    match asked.content.as_deref().filter(|content| !content.is_empty()) {
        Some(content) if !contains(&answer.body, content.as_bytes()) => Err(CheckFailure::Lacks(content.to_owned())),
        _ => Ok(()),
    }
}

fn contains(body: &[u8], content: &[u8]) -> bool {
    body.windows(content.len()).any(|part| part == content)
}
