//! Several handles and processes on one database.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;

use ps_core::names::Generation;
use ps_core::store::{EndpointKind, JournalEntry, JournalState, Store, StoreChange};
use tokio::runtime::Builder;

use super::roles::Actor;
use super::{moment, parse, shop, store_with_shop};
use crate::SqliteStore;

const HANDLES: u64 = 6;
const ROUNDS: u64 = 12;

/// Runs `work` on a handle of its own in each of several threads, all opened at the same moment.
fn at_once<F, T>(folder: &Path, work: F) -> Vec<T>
where
    F: AsyncFn(SqliteStore, u64) -> T + Send + Sync + Clone + 'static,
    T: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(usize::try_from(HANDLES).unwrap()));
    let threads: Vec<_> = (0..HANDLES)
        .map(|number| {
            let (barrier, folder, work) = (Arc::clone(&barrier), folder.to_owned(), work.clone());
            thread::spawn(move || {
                barrier.wait();
                let store = SqliteStore::open(&folder).unwrap();
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(work(store, number))
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[test]
fn many_handles_may_make_the_store_at_once() {
    for is_there in [true, false].repeat(5) {
        let folder = tempfile::tempdir().unwrap();
        // One that is there and open to others has to be closed first.
        let state_dir = folder.path().join("psctl");
        if is_there {
            fs::create_dir(&state_dir).unwrap();
            fs::set_permissions(&state_dir, Permissions::from_mode(0o755)).unwrap();
        }
        let owners = at_once(&state_dir, async |store, _| store.owner().await.unwrap());
        assert_eq!(owners.iter().collect::<BTreeSet<_>>().len(), 1);
    }
}

#[test]
fn no_change_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    at_once(folder.path(), async |store, number| {
        for round in 0..ROUNDS {
            let name = parse(&format!("a{number}-{round}"));
            store.apply(&[StoreChange::CreateApp(name)]).await.unwrap();
            let line = JournalEntry {
                app: shop(),
                verb: "a".into(),
                step: 1,
                text: String::new(),
                state: JournalState::Done,
                at: moment(0),
            };
            store.journal(line).await.unwrap();
        }
    });
    let runtime = Builder::new_current_thread().build().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let count = usize::try_from(HANDLES * ROUNDS).unwrap();
    assert_eq!(runtime.block_on(store.apps()).unwrap().len(), count);
    assert_eq!(runtime.block_on(store.read_journal(&shop(), 999)).unwrap().len(), count);
}

#[tokio::test]
async fn no_endpoint_is_given_out_twice() {
    for kind in [
        EndpointKind::Address(parse("10.210.0.0/24")),
        EndpointKind::LoopbackPort,
    ] {
        let (folder, store) = store_with_shop().await;
        let given = at_once(folder.path(), async move |store, number| {
            let mut given = Vec::new();
            for round in 0..ROUNDS {
                let first = (number * ROUNDS + round) * 2 + 1;
                let wanted = [
                    (parse("web.1"), Generation(first)),
                    (parse("web.2"), Generation(first + 1)),
                ];
                given.extend(
                    store
                        .reserve_endpoints(&shop(), kind, &wanted, &|_| true)
                        .await
                        .unwrap(),
                );
            }
            given
        });
        let distinct: BTreeSet<_> = given.iter().flatten().copied().collect();
        assert_eq!(distinct.len(), usize::try_from(HANDLES * ROUNDS * 2).unwrap());
        let reserved = store.reserved_endpoints().await.unwrap();
        assert_eq!(
            reserved.iter().map(|given| given.endpoint).collect::<BTreeSet<_>>(),
            distinct
        );
    }
}

#[tokio::test]
async fn what_a_killed_command_was_told_is_kept_and_the_database_is_whole() {
    let (folder, store) = store_with_shop().await;
    for _ in 0..3 {
        let mut actors = [(); 2].map(|()| Actor::start("create apps", folder.path()));
        let mut told = Vec::new();
        for actor in &mut actors {
            for _ in 0..20 {
                told.push(actor.hear());
            }
            actor.kill();
        }
        let apps = store.apps().await.unwrap();
        let names: BTreeSet<&str> = apps.iter().map(|app| app.name.as_str()).collect();
        assert!(told.iter().all(|name| names.contains(name.as_str())));
        // A new app has its formation, or does not exist.
        assert!(apps.iter().all(|app| app.formation.to_string() == "web=1"));
    }
    let connection = store.shared.connection.lock().unwrap();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}
