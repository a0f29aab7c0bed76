//! A store in memory with the rules of [`Store`]. A call's changes are all made, or none.

mod memory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::memory::Memory;
use crate::addresses::{Endpoint, Subnet};
use crate::app::{AppRecord, GlobalRecord};
use crate::audit::{AuditEntry, NumberedAuditEntry};
use crate::crashes::Crash;
use crate::host::Clock;
use crate::names::{AppName, Generation, OwnerToken, Replica};
use crate::release::{Release, ReleaseNumber};
use crate::release_history::ReleaseHistory;
use crate::runtime::EngineIdentity;
use crate::store::{
    EndpointKind, HeldLock, JournalEntry, LockHolder, LockKind, ReservedEndpoint, Store, StoreChange, StoreError,
    StoreErrorKind,
};

/// How often a waiting command looks whether the lock is free.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

type Locks = Arc<Mutex<BTreeMap<(AppName, u8), LockHolder>>>;

/// A store that forgets everything with its last clone.
///
/// ```
/// use std::sync::Arc;
/// use ps_core::store::{Store, StoreChange};
/// use ps_core::testing::{FakeClock, MemoryStore};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = MemoryStore::new(Arc::new(FakeClock::automatic()));
/// store.apply(&[StoreChange::CreateApp("shop".parse().unwrap())]).await?;
/// assert_eq!(store.apps().await?.len(), 1);
/// # Ok::<(), ps_core::store::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct MemoryStore {
    memory: Arc<Mutex<Memory>>,
    locks: Locks,
    listener: Arc<Mutex<Option<LockHolder>>>,
    faults: Arc<Mutex<Faults>>,
    clock: Arc<dyn Clock>,
}

/// How many applies there were, and which of them fail.
#[derive(Debug, Default)]
struct Faults {
    applied: Vec<Vec<StoreChange>>,
    calls: usize,
    failing: Vec<usize>,
    hanging: Option<usize>,
    hangs: bool,
    no_audit: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryStore {
    /// An empty store; the clock is for waiting for locks.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            memory: Arc::default(),
            locks: Arc::default(),
            listener: Arc::default(),
            faults: Arc::default(),
            clock,
        }
    }

    /// Lets the nth apply from now on, from 1, fail and change nothing.
    pub fn fail_nth_apply(&self, nth: usize) {
        let mut faults = lock(&self.faults);
        let number = faults.calls + nth;
        faults.failing.push(number);
    }

    /// Lets the nth apply from now on, from 1, change nothing and never end: a psctl that is dropped then died there.
    pub fn hang_nth_apply(&self, nth: usize) {
        let mut faults = lock(&self.faults);
        faults.hanging = Some(faults.calls + nth);
    }

    /// Lets every entry of the audit trail fail from now on.
    pub fn fail_audits(&self) {
        lock(&self.faults).no_audit = true;
    }

    /// Whether an apply has hung.
    pub fn hangs(&self) -> bool {
        lock(&self.faults).hangs
    }

    /// The changes of every apply that went through, in order.
    pub fn applied(&self) -> Vec<Vec<StoreChange>> {
        lock(&self.faults).applied.clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }

    fn try_lock(&self, key: &(AppName, u8), verb: &str) -> Result<Held, LockHolder> {
        let mut locks = lock(&self.locks);
        if let Some(holder) = locks.get(key) {
            return Err(holder.clone());
        }
        let holder = LockHolder {
            pid: 1,
            verb: verb.to_owned(),
            since: self.clock.now(),
        };
        locks.insert(key.clone(), holder);
        Ok(Held {
            locks: Arc::clone(&self.locks),
            key: key.clone(),
        })
    }
}

#[derive(Debug)]
struct Held {
    locks: Locks,
    key: (AppName, u8),
}

impl HeldLock for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.locks).remove(&self.key);
    }
}

#[derive(Debug)]
struct Listening(Arc<Mutex<Option<LockHolder>>>);

impl HeldLock for Listening {}

impl Drop for Listening {
    fn drop(&mut self) {
        *lock(&self.0) = None;
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn owner(&self) -> Result<OwnerToken, StoreError> {
        OwnerToken::new("0123456789abcdef0123456789abcdef")
            .map_err(|error| StoreError::new(StoreErrorKind::Failed, error.to_string()))
    }

    async fn bound_engine(&self) -> Result<Option<EngineIdentity>, StoreError> {
        Ok(self.memory().engine.clone())
    }

    async fn bind_engine(&self, engine: &EngineIdentity) -> Result<(), StoreError> {
        let mut memory = self.memory();
        if memory
            .engine
            .as_ref()
            .is_some_and(|bound| !bound.is_same_engine(engine))
        {
            return Err(StoreError::new(
                StoreErrorKind::Failed,
                "the store belongs to another engine",
            ));
        }
        memory.engine = Some(engine.clone());
        Ok(())
    }

    async fn subnet(&self) -> Result<Option<Subnet>, StoreError> {
        Ok(self.memory().subnet)
    }

    async fn choose_subnet(&self, subnet: Subnet) -> Result<Subnet, StoreError> {
        Ok(*self.memory().subnet.get_or_insert(subnet))
    }

    async fn global(&self) -> Result<GlobalRecord, StoreError> {
        Ok(self.memory().global.clone())
    }

    async fn apps(&self) -> Result<Vec<AppRecord>, StoreError> {
        Ok(self.memory().apps.values().cloned().collect())
    }

    async fn app(&self, name: &AppName) -> Result<AppRecord, StoreError> {
        self.memory().app(name).cloned()
    }

    async fn release(&self, app: &AppName, number: ReleaseNumber) -> Result<Option<Release>, StoreError> {
        Ok(self.memory().releases.get(&(app.clone(), number)).cloned())
    }

    async fn release_history(&self, app: &AppName) -> Result<ReleaseHistory, StoreError> {
        self.memory().history(app)
    }

    async fn apply(&self, changes: &[StoreChange]) -> Result<(), StoreError> {
        let hangs = {
            let mut faults = lock(&self.faults);
            faults.calls += 1;
            let hangs = faults.hanging == Some(faults.calls);
            faults.hangs |= hangs;
            hangs
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        let mut faults = lock(&self.faults);
        if faults.failing.contains(&faults.calls) {
            return Err(StoreError::new(StoreErrorKind::Failed, "an injected fault"));
        }
        let mut memory = self.memory();
        let mut next = memory.clone();
        for change in changes {
            next.change(change)?;
        }
        *memory = next;
        faults.applied.push(changes.to_vec());
        Ok(())
    }

    async fn reserve_endpoints(
        &self,
        app: &AppName,
        kind: EndpointKind,
        wanted: &[(Replica, Generation)],
        is_usable: &(dyn Fn(Endpoint) -> bool + Send + Sync),
    ) -> Result<Vec<Endpoint>, StoreError> {
        let mut memory = self.memory();
        let mut changed = memory.clone();
        let mut endpoints = Vec::new();
        for (replica, generation) in wanted {
            endpoints.push(changed.reserve(app, kind, replica, *generation, is_usable)?);
        }
        *memory = changed;
        Ok(endpoints)
    }

    async fn reserved_endpoints(&self) -> Result<Vec<ReservedEndpoint>, StoreError> {
        Ok(self.memory().endpoints.clone())
    }

    async fn lock_app(
        &self,
        app: &AppName,
        kind: LockKind,
        verb: &str,
        patience: Duration,
    ) -> Result<Box<dyn HeldLock>, StoreError> {
        let key = (app.clone(), u8::from(kind == LockKind::Retire));
        let end = self.clock.monotonic().saturating_add(patience);
        loop {
            let holder = match self.try_lock(&key, verb) {
                Ok(held) => return Ok(Box::new(held)),
                Err(holder) => holder,
            };
            let left = end.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                let message = format!("{app} is locked by {holder}");
                let (app, holder) = (app.clone(), Some(holder));
                return Err(StoreError::new(StoreErrorKind::Locked { app, holder }, message));
            }
            self.clock.sleep(left.min(LOOK_AGAIN)).await;
        }
    }

    async fn lock_listener(&self, verb: &str) -> Result<Box<dyn HeldLock>, StoreError> {
        let mut listener = lock(&self.listener);
        if let Some(holder) = listener.clone() {
            let message = format!("another listener runs: {holder}");
            let holder = Some(holder);
            return Err(StoreError::new(StoreErrorKind::ListenerRuns { holder }, message));
        }
        *listener = Some(LockHolder {
            pid: 1,
            verb: verb.to_owned(),
            since: self.clock.now(),
        });
        Ok(Box::new(Listening(Arc::clone(&self.listener))))
    }

    async fn journal(&self, entry: JournalEntry) -> Result<(), StoreError> {
        self.memory().journal.push(entry);
        Ok(())
    }

    async fn read_journal(&self, app: &AppName, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        let memory = self.memory();
        let entries: Vec<&JournalEntry> = memory.journal.iter().filter(|entry| entry.app == *app).collect();
        let skipped = entries.len().saturating_sub(limit);
        Ok(entries.into_iter().skip(skipped).cloned().collect())
    }

    async fn crashes(&self, app: &AppName) -> Result<Vec<Crash>, StoreError> {
        let memory = self.memory();
        memory.app(app)?;
        Ok(memory.crashes.get(app).cloned().unwrap_or_default())
    }

    async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        if lock(&self.faults).no_audit {
            return Err(StoreError::new(StoreErrorKind::Failed, "an injected fault"));
        }
        self.memory().audit.push(entry);
        Ok(())
    }

    async fn read_audit(
        &self,
        app: Option<&AppName>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NumberedAuditEntry>, StoreError> {
        let memory = self.memory();
        let numbered = (1_u64..).zip(memory.audit.iter());
        let asked = numbered.filter(|(number, entry)| *number > after && (app.is_none() || entry.app.as_ref() == app));
        let entries: Vec<NumberedAuditEntry> = asked
            .map(|(number, entry)| NumberedAuditEntry {
                number,
                entry: entry.clone(),
            })
            .collect();
        let skipped = entries.len().saturating_sub(limit);
        Ok(entries.into_iter().skip(skipped).collect())
    }
}

#[cfg(test)]
mod tests;
