//! The port itself: every method is one transaction, or a lock.

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
    EndpointKind, HeldLock, JournalEntry, LockKind, ReservedEndpoint, Store, StoreChange, StoreError,
};
use rusqlite::{Connection, params};

use crate::classify_error::Failure;
use crate::columns::parse;
use crate::endpoints::LOOPBACK_PORTS;
use crate::{Access, SqliteStore, audit, changes, endpoints, history, journal, lock, records, traffic};

#[async_trait]
impl Store for SqliteStore {
    async fn owner(&self) -> Result<OwnerToken, StoreError> {
        self.read("read the owner token", |tx| {
            endpoints::parse_owner(tx.query_row("SELECT owner FROM store", [], |row| row.get(0))?)
        })
        .await
    }

    async fn bound_engine(&self) -> Result<Option<EngineIdentity>, StoreError> {
        self.read("read which engine is used", read_engine).await
    }

    async fn bind_engine(&self, engine: &EngineIdentity) -> Result<(), StoreError> {
        // Every command binds; only the first one writes, and one that only reads needs no newer version.
        let bound = self.bound_engine().await?;
        let is_same = bound.as_ref().is_some_and(|bound| bound.is_same_engine(engine));
        if bound.as_ref() == Some(engine) || (is_same && self.shared.access == Access::ReadOnly) {
            return Ok(());
        }
        if let Some(bound) = bound.filter(|_| !is_same) {
            return Err(self.classify(other_engine(&bound), "bind the state"));
        }
        let engine = engine.clone();
        self.change("record which engine is used", move |tx| bind(tx, &engine))
            .await
    }

    async fn subnet(&self) -> Result<Option<Subnet>, StoreError> {
        self.read("read the subnet", read_subnet).await
    }

    async fn choose_subnet(&self, subnet: Subnet) -> Result<Subnet, StoreError> {
        if let Some(chosen) = self.subnet().await? {
            return Ok(chosen);
        }
        self.change("record the subnet", move |tx| {
            let sql = "UPDATE store SET subnet = coalesce(subnet, ?1)";
            tx.execute(sql, [subnet.to_string()])?;
            Ok(read_subnet(tx)?.unwrap_or(subnet))
        })
        .await
    }

    async fn global(&self) -> Result<GlobalRecord, StoreError> {
        self.read("read the global settings", records::global).await
    }

    async fn apps(&self) -> Result<Vec<AppRecord>, StoreError> {
        self.read("read the apps", records::apps).await
    }

    async fn app(&self, name: &AppName) -> Result<AppRecord, StoreError> {
        let name = name.clone();
        self.read("read the app", move |tx| records::app(tx, &name)).await
    }

    async fn release(&self, app: &AppName, number: ReleaseNumber) -> Result<Option<Release>, StoreError> {
        let app = app.clone();
        self.read("read the release", move |tx| records::release(tx, &app, number))
            .await
    }

    async fn release_history(&self, app: &AppName) -> Result<ReleaseHistory, StoreError> {
        let app = app.clone();
        self.read("read the releases", move |tx| history::history(tx, &app))
            .await
    }

    async fn apply(&self, changes: &[StoreChange]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let changes = changes.to_vec();
        self.change("record the changes", move |tx| {
            changes.iter().try_for_each(|change| changes::apply(tx, change))
        })
        .await
    }

    async fn reserve_endpoints(
        &self,
        app: &AppName,
        kind: EndpointKind,
        wanted: &[(Replica, Generation)],
        is_usable: &(dyn Fn(Endpoint) -> bool + Send + Sync),
    ) -> Result<Vec<Endpoint>, StoreError> {
        let (app, wanted) = (app.clone(), wanted.to_vec());
        match kind {
            EndpointKind::Address(subnet) => {
                self.change("reserve addresses", move |tx| {
                    endpoints::reserve_addresses(tx, &app, subnet, &wanted)
                })
                .await
            }
            EndpointKind::LoopbackPort => self.reserve_ports(app, wanted, is_usable).await,
        }
    }

    async fn reserved_endpoints(&self) -> Result<Vec<ReservedEndpoint>, StoreError> {
        self.read("read the reserved addresses and ports", endpoints::reserved)
            .await
    }

    async fn lock_app(
        &self,
        app: &AppName,
        kind: LockKind,
        verb: &str,
        patience: Duration,
    ) -> Result<Box<dyn HeldLock>, StoreError> {
        let allowed = self.shared.check_access();
        allowed.map_err(|failure| self.classify(failure, "lock the app"))?;
        let locks = self.shared.state_dir.locks();
        let held = lock::take(&locks, app, kind, verb, patience).await?;
        Ok(Box::new(held))
    }

    async fn lock_listener(&self, verb: &str) -> Result<Box<dyn HeldLock>, StoreError> {
        let allowed = self.shared.check_access();
        allowed.map_err(|failure| self.classify(failure, "lock the listener"))?;
        let held = lock::take_listener(&self.shared.state_dir.listener_lock(), verb).await?;
        Ok(Box::new(held))
    }

    async fn journal(&self, entry: JournalEntry) -> Result<(), StoreError> {
        self.change_lightly("write the journal", move |tx| journal::add(tx, &entry))
            .await
    }

    async fn read_journal(&self, app: &AppName, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        let app = app.clone();
        self.read("read the journal", move |tx| journal::newest(tx, &app, limit))
            .await
    }

    async fn crashes(&self, app: &AppName) -> Result<Vec<Crash>, StoreError> {
        let app = app.clone();
        self.read("read the crashes", move |tx| traffic::crashes(tx, &app))
            .await
    }

    async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.change_lightly("write the audit trail", move |tx| audit::add(tx, &entry))
            .await
    }

    async fn read_audit(
        &self,
        app: Option<&AppName>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NumberedAuditEntry>, StoreError> {
        let app = app.cloned();
        self.read("read the audit trail", move |tx| {
            audit::newest(tx, app.as_ref(), after, limit)
        })
        .await
    }
}

impl SqliteStore {
    /// The host is asked between two transactions, not inside one: the second starts over where the first has become untrue.
    async fn reserve_ports(
        &self,
        app: AppName,
        wanted: Vec<(Replica, Generation)>,
        is_usable: &(dyn Fn(Endpoint) -> bool + Send + Sync),
    ) -> Result<Vec<Endpoint>, StoreError> {
        const DOING: &str = "reserve ports";
        loop {
            let words = (app.clone(), wanted.clone());
            let (missing, free) = self
                .read(DOING, move |tx| endpoints::free_ports(tx, &words.0, &words.1))
                .await?;
            let usable = free.into_iter().filter(|port| is_usable(Endpoint::LoopbackPort(*port)));
            let usable: Vec<u16> = usable.take(missing).collect();
            if usable.len() < missing {
                return Err(self.classify(Failure::NoEndpointLeft(LOOPBACK_PORTS), DOING));
            }
            let words = (app.clone(), wanted.clone());
            let given = self
                .change(DOING, move |tx| endpoints::claim_ports(tx, &words.0, &words.1, &usable))
                .await?;
            if let Some(given) = given {
                return Ok(given);
            }
        }
    }
}

fn read_engine(tx: &Connection) -> Result<Option<EngineIdentity>, Failure> {
    let sql = "SELECT engine_kind, engine_id, engine_rootless, engine_version FROM store";
    Ok(tx.query_row(sql, [], |row| {
        let Some(kind) = row.get(0)? else {
            return Ok(None);
        };
        Ok(Some(EngineIdentity {
            kind,
            id: row.get(1)?,
            rootless: row.get(2)?,
            version: row.get(3)?,
        }))
    })?)
}

fn bind(tx: &Connection, engine: &EngineIdentity) -> Result<(), Failure> {
    if let Some(bound) = read_engine(tx)?.filter(|bound| !bound.is_same_engine(engine)) {
        return Err(other_engine(&bound));
    }
    tx.execute(
        "UPDATE store SET engine_kind = ?1, engine_id = ?2, engine_rootless = ?3, engine_version = ?4",
        params![engine.kind, engine.id, engine.rootless, engine.version],
    )?;
    Ok(())
}

fn other_engine(bound: &EngineIdentity) -> Failure {
    let way = if bound.rootless { "rootless" } else { "rootful" };
    Failure::OtherEngine(format!("{way} {}, id {}", bound.kind, bound.id))
}

fn read_subnet(tx: &Connection) -> Result<Option<Subnet>, Failure> {
    let word: Option<String> = tx.query_row("SELECT subnet FROM store", [], |row| row.get(0))?;
    word.map(|word| parse("the subnet", &word)).transpose()
}
