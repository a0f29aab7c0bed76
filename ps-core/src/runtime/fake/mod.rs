//! An engine in memory with the rules of the real ones, for whole scenarios without an engine.
//!
//! Its one invariant: every rule it knows is a case of the conformance suite, which the real engines pass too. What it has
//! beyond a real engine is for tests: scripts for its processes, a clock that nobody waits for, a log of calls, and faults.

mod clock;
mod containers;
mod dockerfile;
mod faults;
mod host;
mod image_archive;
mod images;
mod networks;
mod process;
mod script;
mod streams;
mod tar_archive;
mod terminals;
mod world;

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

pub use clock::FakeClock;
pub use faults::{Defect, FakeCall, Fault, FaultEffect};
pub use host::FakeHost;
pub(crate) use image_archive::write as image_archive;
pub use script::{Behaviour, ProcessStep, Script, TermReaction};
pub(crate) use tar_archive::{tar_file, tar_files};

use self::clock::Quiet;
use self::faults::CallLog;
use self::world::{Refusal, World, as_error, refuse};
use super::{
    ContainerId, ContainerState, EngineDetail, EngineIdentity, ImageDetail, ImageId, RuntimeCapabilities, RuntimeError,
    RuntimeErrorKind,
};
use crate::host::Clock;
use crate::policies::RestartPolicy;

/// How often a call lets others go first, so that calls made side by side are in flight together.
const YIELDS: u32 = 3;

/// How long a call waits for its answer, as a backend's does.
const CALL_LIMIT: Duration = Duration::from_secs(120);

/// The methods that may take for ever.
const UNBOUNDED: [&str; 5] = [
    "wait_container",
    "read_logs",
    "follow_events",
    "build_image",
    "pull_image",
];

/// An engine in memory. Clones are the same engine.
///
/// ```
/// use ps_core::runtime::{ContainerRuntime, ContainerSpec, ImageDetail, StartOutcome};
/// use ps_core::testing::{FakeClock, FakeEngine};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let engine = FakeEngine::new(&FakeClock::automatic());
/// engine.add_image("busybox", ImageDetail::default());
/// let id = engine.create_container(&ContainerSpec::new("shop.web.1", "busybox")).await?;
/// assert_eq!(engine.start_container(&id).await?, StartOutcome::Started);
/// assert_eq!(engine.start_container(&id).await?, StartOutcome::AlreadyRunning);
/// # Ok::<(), ps_core::runtime::RuntimeError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct FakeEngine {
    world: Arc<Mutex<World>>,
    log: Arc<Mutex<CallLog>>,
    identity: Arc<Mutex<EngineIdentity>>,
    latency: Arc<Mutex<Option<Duration>>>,
    clock: FakeClock,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeEngine {
    /// An engine that can do everything, without images.
    pub fn new(clock: &FakeClock) -> Self {
        let capabilities = RuntimeCapabilities {
            updates_restart_policy: true,
            revives_stopped_containers: false,
            host_reaches_containers: true,
            host_sees_processes: true,
            replays_past_events: true,
            has_init: true,
            limits_log_size: true,
        };
        Self::with_capabilities(clock, capabilities)
    }

    /// An engine that can do only this.
    pub fn with_capabilities(clock: &FakeClock, capabilities: RuntimeCapabilities) -> Self {
        let identity = EngineIdentity {
            kind: "fake".to_owned(),
            id: "FAKE".to_owned(),
            rootless: false,
            version: "1".to_owned(),
        };
        let world = Arc::new_cyclic(|me| Mutex::new(World::new(clock.clone(), me.clone(), capabilities)));
        Self {
            world,
            log: Arc::default(),
            identity: Arc::new(Mutex::new(identity)),
            latency: Arc::default(),
            clock: clock.clone(),
        }
    }

    /// The clock that was given.
    pub fn clock(&self) -> &FakeClock {
        &self.clock
    }

    /// Says that it is another engine.
    pub fn set_identity(&self, identity: EngineIdentity) {
        *lock(&self.identity) = identity;
    }

    /// Tells this of itself from now on; without a time it tells that of its clock, and its identity stays the one that was set.
    pub fn set_detail(&self, detail: EngineDetail) {
        self.world().engine = detail;
    }

    /// Makes every call take time.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.latency) = Some(latency);
    }

    /// Adds an image under a name, and returns its id; the id in `detail` is not used.
    pub fn add_image(&self, name: &str, detail: ImageDetail) -> ImageId {
        self.world().add_image(name, detail)
    }

    /// Puts a file into an image; nothing happens when there is no such image.
    pub fn add_image_file(&self, image: &str, path: &str, content: impl Into<bytes::Bytes>) {
        self.world().add_image_file(image, path, content.into());
    }

    /// Breaks a rule.
    pub fn set_defect(&self, defect: Defect) {
        self.world().defect = Some(defect);
    }

    /// Lets calls go wrong. A call that several faults hit suffers the one injected first.
    pub fn inject(&self, fault: Fault) {
        lock(&self.log).faults.push(fault);
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        lock(&self.log).faults.clear();
    }

    /// All calls so far, in the order of their beginning.
    pub fn calls(&self) -> Vec<FakeCall> {
        lock(&self.log).calls.clone()
    }

    /// The calls so far of one method.
    pub fn calls_of(&self, method: &str) -> Vec<FakeCall> {
        let calls = self.calls().into_iter();
        calls.filter(|call| call.method == method).collect()
    }

    /// Forgets the calls and the peaks.
    pub fn forget_calls(&self) {
        let mut log = lock(&self.log);
        log.calls.clear();
        (log.peak_calls, log.peak_apps) = (0, 0);
    }

    /// The most calls that were in flight at once.
    pub fn peak_concurrency(&self) -> usize {
        lock(&self.log).peak_calls
    }

    /// The most different apps that had a call in flight at once.
    pub fn peak_apps(&self) -> usize {
        lock(&self.log).peak_apps
    }

    /// The engine's API is gone: streams break, calls are `Unreachable`. Containers live on.
    pub fn die(&self) {
        let mut world = self.world();
        world.is_dead = true;
        world.life += 1;
        world.clock.touch();
    }

    /// The API is back.
    pub fn revive(&self) {
        self.world().is_dead = false;
    }

    /// The machine starts anew: every process is gone without an event, the addresses of events and streams too; containers
    /// whose policy is `always` or `unless-stopped` run again, unless they were stopped on request. Where
    /// [`RuntimeCapabilities::revives_stopped_containers`] holds, those run again as well.
    pub fn reboot(&self) {
        let mut world = self.world();
        world.life += 1;
        world.is_dead = false;
        world.processes.clear();
        world.events.clear();
        let revives_all = world.capabilities.revives_stopped_containers;
        let mut revived = Vec::new();
        for container in world.containers.values_mut().filter(|container| container.runs > 0) {
            if container.state.may_have_a_process() {
                container.exit_code = Some(255);
                container.state = ContainerState::Exited;
            }
            (container.pid, container.address) = (None, None);
            let is_always = matches!(container.policy, RestartPolicy::Always | RestartPolicy::UnlessStopped);
            if is_always && (revives_all || !container.is_stopped_on_request) {
                revived.push(container.id.clone());
            }
        }
        for id in revived {
            // One whose address is taken meanwhile stays down, as with a real engine.
            let _ = world.start(&id);
        }
        world.clock.touch();
    }

    /// A container's process ends by itself now; its policy decides what follows. Whether there was a process.
    pub fn crash(&self, container: &str, exit_code: i64) -> bool {
        let mut world = self.world();
        let pid = world.find(container).and_then(|container| container.pid);
        if let Some(pid) = pid {
            world.end(pid, exit_code);
        }
        pid.is_some()
    }

    /// A container's processes are gone and the engine does not notice: it goes on saying that the container runs, as Podman does
    /// when the monitor is killed too. Whether there were any.
    pub fn lose_process(&self, container: &str) -> bool {
        let mut world = self.world();
        let Some(id) = world.find(container).map(|container| container.id.clone()) else {
            return false;
        };
        let before = world.processes.len();
        world.processes.retain(|_, process| process.container != id);
        world.processes.len() < before
    }

    /// What listened on a running container's published ports has ended, and the container runs on, as with rootless Podman when the
    /// monitor is killed alone. Whether there were any.
    pub fn lose_ports(&self, container: &str) -> bool {
        let mut world = self.world();
        let found = world.find(container).map(|container| container.id.clone());
        let found = found.and_then(|id| world.containers.get_mut(&id));
        found.is_some_and(|container| !std::mem::take(&mut container.spec.published_ports).is_empty())
    }

    /// Somebody takes a container from its network and connects it again, at another address; whether there was one.
    pub fn reconnect(&self, container: &str, address: std::net::Ipv4Addr) -> bool {
        let mut world = self.world();
        let id = world.find(container).map(|container| container.id.clone());
        if let Some(id) = &id {
            if let Some(container) = world.containers.get_mut(id) {
                container.address = Some(address);
            }
            world.tell(id, crate::runtime::ContainerEventKind::NetworkChanged);
            world.clock.touch();
        }
        id.is_some()
    }

    /// Every stream ends, as when the connection breaks; the engine and its containers live on.
    pub fn break_streams(&self) {
        let mut world = self.world();
        world.life += 1;
        world.clock.touch();
    }

    /// Somebody else removes a container; whether there was one.
    pub fn vanish(&self, container: &str) -> bool {
        let mut world = self.world();
        let id = world.find(container).map(|container| container.id.clone());
        if let Some(id) = &id {
            world.remove(id);
        }
        id.is_some()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    fn lock_identity(&self) -> MutexGuard<'_, EngineIdentity> {
        lock(&self.identity)
    }

    /// Waits until the world has an answer.
    async fn until<T>(&self, mut answer: impl FnMut(&mut World) -> Option<T>) -> T {
        let mut quiet = Quiet::default();
        poll_fn(move |context| {
            let found = answer(&mut self.world());
            if found.is_none() {
                self.clock.wait_quietly(&mut quiet, context);
            }
            found.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// A call on a container (by any of its words) or on another subject.
    async fn begin_on(&self, method: &'static str, subject: &str) -> Result<Call<'_>, RuntimeError> {
        let (name, app) = {
            let world = self.world();
            let exec = world.execs.get(subject);
            let container = world.find(exec.map_or(subject, |exec| &exec.container));
            let name = container
                .filter(|_| exec.is_none())
                .map(|container| container.spec.name.clone());
            let app = container.and_then(|container| container.spec.labels.get(crate::labels::APP).cloned());
            (name.unwrap_or_else(|| subject.to_owned()), app)
        };
        self.begin(method, &name, app).await
    }

    /// Records a call, lets others go first, and applies what goes wrong before its effect.
    async fn begin(&self, method: &'static str, subject: &str, app: Option<String>) -> Result<Call<'_>, RuntimeError> {
        let call = FakeCall {
            method,
            subject: subject.to_owned(),
            app,
            at: self.clock.monotonic(),
            outcome: None,
        };
        let (number, effect) = lock(&self.log).begin(call);
        let loses_answer = effect == Some(FaultEffect::LoseAnswer);
        let call = Call {
            engine: self,
            method,
            subject: subject.to_owned(),
            number,
            loses_answer,
        };
        self.clock.touch();
        yield_to_others(YIELDS).await;
        let latency = *lock(&self.latency);
        if let Some(latency) = latency {
            self.clock.sleep(latency).await;
        }
        if self.world().is_dead {
            return call.refuse(RuntimeErrorKind::Unreachable, "nobody listens");
        }
        match effect {
            Some(FaultEffect::Fail(kind)) => return call.refuse(kind, "an injected fault"),
            Some(FaultEffect::Hang) if UNBOUNDED.contains(&method) => std::future::pending::<()>().await,
            Some(FaultEffect::Hang) => {
                self.clock.sleep(CALL_LIMIT).await;
                return call.refuse(RuntimeErrorKind::OutcomeUnknown, "no answer");
            }
            Some(FaultEffect::Vanish) => {
                self.vanish(subject);
            }
            Some(FaultEffect::LoseAnswer) | None => {}
        }
        Ok(call)
    }

    /// A call whose effect happens at once.
    async fn call<T>(
        &self,
        method: &'static str,
        subject: &str,
        effect: impl FnOnce(&mut World) -> Result<T, Refusal> + Send,
    ) -> Result<T, RuntimeError> {
        let call = self.begin_on(method, subject).await?;
        let result = effect(&mut self.world());
        self.clock.touch();
        call.finish(result)
    }
}

/// A call in flight; dropping it (the caller went away) ends it.
struct Call<'a> {
    engine: &'a FakeEngine,
    method: &'static str,
    subject: String,
    number: usize,
    loses_answer: bool,
}

impl Call<'_> {
    fn finish<T>(self, result: Result<T, Refusal>) -> Result<T, RuntimeError> {
        let result = match result {
            Ok(_) if self.loses_answer => refuse(RuntimeErrorKind::OutcomeUnknown, "the answer was lost"),
            result => result,
        };
        let outcome = result.as_ref().map(drop).map_err(|(kind, _)| *kind);
        lock(&self.engine.log).end(self.number, Some(outcome));
        result.map_err(|refusal| as_error(refusal, self.method, &self.subject))
    }

    fn refuse<T>(self, kind: RuntimeErrorKind, why: &str) -> Result<T, RuntimeError> {
        self.finish(refuse(kind, why))
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        lock(&self.engine.log).end(self.number, None);
    }
}

async fn yield_to_others(times: u32) {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl FakeEngine {
    /// The id of the container with a name, for looking at the world directly.
    pub fn container_named(&self, name: &str) -> Option<ContainerId> {
        self.world()
            .find(name)
            .map(|container| ContainerId(container.id.clone()))
    }
}

#[cfg(test)]
mod tests;
