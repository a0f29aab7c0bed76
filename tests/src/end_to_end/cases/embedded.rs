//! psctl's use cases in this process, on the state directory that the commands of a case use. Invariant: what a test says of a
//! source (its checks) goes the way that a file would take, from the release on.

use std::sync::Arc;

use ps_core::addresses::Subnet;
use ps_core::checks::{CheckKind, CheckMoment, CheckWeight, HealthCheck, PathCheck, Scheme};
use ps_core::execution::{Cancellation, IgnoreEvents};
use ps_core::manifest::{EnvRequests, Manifest};
use ps_core::names::ProcessType;
use ps_core::operations::{Adapters, OperationOptions, Operations};
use ps_core::proxy::NoProxy;
use ps_core::release::{Processes, Source};
use ps_core::store::Store;
use ps_core::testing::{FakeClock, FakeProber, FakeSource};
use ps_host_linux::LinuxHost;
use ps_store_sqlite::SqliteStore;

use super::super::Ground;
use crate::conformance::{Failure, Verdict};

/// A check with short times.
pub(super) fn check(kind: CheckKind) -> HealthCheck {
    let second = std::time::Duration::from_secs(1);
    HealthCheck {
        name: None,
        moment: CheckMoment::Startup,
        kind,
        initial_delay: second / 5,
        attempts: 4,
        timeout: 2 * second,
        wait: second / 2,
        weight: CheckWeight::Required,
    }
}

/// A path check; of the app's own port without one.
pub(super) fn path(path: &str, port: Option<u16>, content: Option<&str>) -> HealthCheck {
    check(CheckKind::Path(PathCheck {
        path: path.to_owned(),
        content: content.map(str::to_owned),
        port,
        scheme: Scheme::Http,
        headers: Vec::new(),
    }))
}

/// A command check.
pub(super) fn command(words: &[&str]) -> HealthCheck {
    check(CheckKind::Command(
        words.iter().map(|word| (*word).to_owned()).collect(),
    ))
}

/// Deploys processes with checks of their own, without making the checks: the types are to be skipped.
pub(super) fn deploy(
    ground: &Ground,
    app: &str,
    dockerfile: &str,
    processes: &[(&str, &str)],
    checks: &[(&str, Vec<HealthCheck>)],
) -> Verdict {
    let type_of = |name: &str| name.parse::<ProcessType>();
    let commands = processes
        .iter()
        .map(|(name, command)| Ok((type_of(name)?, (*command).to_owned())));
    let commands = commands.collect::<Result<_, Failure>>()?;
    let checks = checks.iter().map(|(name, checks)| Ok((type_of(name)?, checks.clone())));
    let manifest = Manifest {
        checks: checks.collect::<Result<_, Failure>>()?,
        ..Manifest::default()
    };
    let source = FakeSource::new();
    source.add_dockerfile("/src", Processes::Procfile(commands), dockerfile);
    source.set_manifest("/src", manifest, EnvRequests::new());
    let store = Arc::new(SqliteStore::open(&ground.state())?);
    let host = Arc::new(LinuxHost::new());
    let adapters = Adapters {
        engine: ground.engine.clone(),
        store: store.clone(),
        source: Arc::new(source),
        clock: host.clone(),
        host,
        prober: Arc::new(FakeProber::new(&FakeClock::automatic())),
        proxy: Arc::new(NoProxy),
        events: Arc::new(IgnoreEvents),
    };
    let options = OperationOptions {
        subnet: Some(ground.subnet().parse::<Subnet>()?),
        ..OperationOptions::default()
    };
    let operations = Operations::new(adapters, options, Cancellation::default());
    let (app, from) = (app.parse()?, Source::Directory("/src".into()));
    ground.block_on(async {
        store.bind_engine(&ground.engine.identity()).await?;
        operations.deploy(&app, Some(from)).await?;
        Ok(())
    })
}
