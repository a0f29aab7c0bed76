//! What a store reads like before there is one, so that reading commands and dry runs make no database.
//!
//! Invariant: there is no app, nothing is set, and every change fails.

use std::time::Duration;

use async_trait::async_trait;
use ps_core::addresses::{Endpoint, Subnet};
use ps_core::app::{AppRecord, GlobalRecord};
use ps_core::audit::{AuditEntry, NumberedAuditEntry};
use ps_core::crashes::Crash;
use ps_core::names::{AppName, Generation, OwnerToken, Replica};
use ps_core::release::{Release, ReleaseNumber};
use ps_core::release_history::ReleaseHistory;
use ps_core::runtime::EngineIdentity;
use ps_core::store::{
    EndpointKind, HeldLock, JournalEntry, LockKind, ReservedEndpoint, Store, StoreChange, StoreError, StoreErrorKind,
};

/// Nothing was ever stored.
#[derive(Debug)]
pub(super) struct EmptyStore;

fn not_changed() -> StoreError {
    StoreError::new(StoreErrorKind::Failed, "there is no state yet, and reading makes none")
}

#[async_trait]
impl Store for EmptyStore {
    async fn owner(&self) -> Result<OwnerToken, StoreError> {
        // Nobody's: no container carries it.
        OwnerToken::new("0".repeat(32)).map_err(|error| StoreError::new(StoreErrorKind::Failed, error.to_string()))
    }

    async fn bound_engine(&self) -> Result<Option<EngineIdentity>, StoreError> {
        Ok(None)
    }

    async fn bind_engine(&self, _: &EngineIdentity) -> Result<(), StoreError> {
        Err(not_changed())
    }

    async fn subnet(&self) -> Result<Option<Subnet>, StoreError> {
        Ok(None)
    }

    async fn choose_subnet(&self, _: Subnet) -> Result<Subnet, StoreError> {
        Err(not_changed())
    }

    async fn global(&self) -> Result<GlobalRecord, StoreError> {
        Ok(GlobalRecord::default())
    }

    async fn apps(&self) -> Result<Vec<AppRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn app(&self, name: &AppName) -> Result<AppRecord, StoreError> {
        let kind = StoreErrorKind::NoSuchApp(name.clone());
        Err(StoreError::new(kind, format!("there is no app {name}")))
    }

    async fn release(&self, _: &AppName, _: ReleaseNumber) -> Result<Option<Release>, StoreError> {
        Ok(None)
    }

    async fn release_history(&self, app: &AppName) -> Result<ReleaseHistory, StoreError> {
        let kind = StoreErrorKind::NoSuchApp(app.clone());
        Err(StoreError::new(kind, format!("there is no app {app}")))
    }

    async fn apply(&self, _: &[StoreChange]) -> Result<(), StoreError> {
        Err(not_changed())
    }

    async fn reserve_endpoints(
        &self,
        _: &AppName,
        _: EndpointKind,
        _: &[(Replica, Generation)],
        _: &(dyn Fn(Endpoint) -> bool + Send + Sync),
    ) -> Result<Vec<Endpoint>, StoreError> {
        Err(not_changed())
    }

    async fn reserved_endpoints(&self) -> Result<Vec<ReservedEndpoint>, StoreError> {
        Ok(Vec::new())
    }

    async fn lock_app(&self, _: &AppName, _: LockKind, _: &str, _: Duration) -> Result<Box<dyn HeldLock>, StoreError> {
        Err(not_changed())
    }

    async fn lock_listener(&self, _: &str) -> Result<Box<dyn HeldLock>, StoreError> {
        Err(not_changed())
    }

    async fn journal(&self, _: JournalEntry) -> Result<(), StoreError> {
        Err(not_changed())
    }

    async fn read_journal(&self, _: &AppName, _: usize) -> Result<Vec<JournalEntry>, StoreError> {
        Ok(Vec::new())
    }

    async fn crashes(&self, _: &AppName) -> Result<Vec<Crash>, StoreError> {
        Ok(Vec::new())
    }

    async fn audit(&self, _: AuditEntry) -> Result<(), StoreError> {
        Err(not_changed())
    }

    async fn read_audit(&self, _: Option<&AppName>, _: u64, _: usize) -> Result<Vec<NumberedAuditEntry>, StoreError> {
        Ok(Vec::new())
    }
}
