//! Changes of the proxy that wait for each other become one. Invariant: a change that is asked for is made, or its own failure is told,
//! before the asking ends; while one is made, those that come wait, and then are made together.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_lock::OnceCell;
use async_trait::async_trait;

use super::gathered::copy;
use crate::names::AppName;
use crate::proxy::{Proxy, ProxyError, ProxyState, SiteChange};

/// A proxy whose waiting changes are made together.
#[derive(Debug)]
pub(super) struct Coalesced {
    proxy: Arc<dyn Proxy>,
    numbers: AtomicU64,
    waiting: Mutex<Vec<Asked>>,
    turn: async_lock::Mutex<()>,
}

/// Somebody's changes, and where the answer to them goes.
#[derive(Debug, Clone)]
struct Asked {
    number: u64,
    changes: Vec<SiteChange>,
    answer: Arc<OnceCell<Result<(), ProxyError>>>,
}

impl Coalesced {
    pub(super) fn new(proxy: Arc<dyn Proxy>) -> Self {
        Self {
            proxy,
            numbers: AtomicU64::new(0),
            waiting: Mutex::default(),
            turn: async_lock::Mutex::new(()),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that what is asked for has its answer.
    async fn see_to(&self, asked: &Asked) {
        self.waiting().push(asked.clone());
        let _turn = self.turn.lock().await;
        if asked.answer.is_initialized() {
            return;
        }
        let mut all = std::mem::take(&mut *self.waiting());
        // Whoever took these along before was dropped.
        if all.iter().all(|other| other.number != asked.number) {
            all.push(asked.clone());
        }
        let changes: Vec<SiteChange> = all.iter().flat_map(|asked| asked.changes.iter().cloned()).collect();
        let together = self.proxy.change_sites(&changes).await;
        for one in &all {
            let answer = match &together {
                Ok(()) => Ok(()),
                // One's file must not stop those of the others.
                Err(error) if all.len() > 1 && error.kind.blames_one_site() => {
                    self.proxy.change_sites(&one.changes).await
                }
                Err(error) => Err(copy(error)),
            };
            // Nobody else answers.
            let _ = one.answer.set(answer).await;
        }
    }
}

#[async_trait]
impl Proxy for Coalesced {
    async fn state(&self) -> Result<ProxyState, ProxyError> {
        self.proxy.state().await
    }

    async fn change_sites(&self, changes: &[SiteChange]) -> Result<(), ProxyError> {
        if changes.is_empty() {
            return self.proxy.change_sites(changes).await;
        }
        let asked = Asked {
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            changes: changes.to_vec(),
            answer: Arc::default(),
        };
        self.see_to(&asked).await;
        match asked.answer.wait().await {
            Ok(()) => Ok(()),
            Err(error) => Err(copy(error)),
        }
    }

    async fn leave(&self) -> Result<(), ProxyError> {
        self.proxy.leave().await
    }

    async fn site_file(&self, app: &AppName) -> Result<Option<(PathBuf, String)>, ProxyError> {
        self.proxy.site_file(app).await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::proxy::ProxyErrorKind;
    use crate::testing::FakeProxy;

    fn removal(app: &str) -> [SiteChange; 1] {
        [SiteChange::Remove(app.parse().unwrap())]
    }

    async fn ask_for(proxy: &Coalesced, apps: &[&str]) -> Vec<Result<(), ProxyError>> {
        let asked = apps.iter().map(|app| async { proxy.change_sites(&removal(app)).await });
        join_all(asked).await
    }

    #[tokio::test]
    async fn changes_that_wait_at_the_same_moment_are_one() {
        let fake = FakeProxy::new();
        let proxy = Coalesced::new(Arc::new(fake.clone()));
        // Somebody is at it.
        let turn = proxy.turn.lock().await;
        let asked = ask_for(&proxy, &["a", "b", "c"]);
        let release = async { drop(turn) };
        let (answers, ()) = futures_util::join!(asked, release);
        assert!(answers.iter().all(Result::is_ok));
        let calls = fake.changes();
        assert_eq!(calls.len(), 1, "{calls:?}");
    }

    #[tokio::test]
    async fn one_that_is_refused_does_not_stop_the_others() {
        let fake = FakeProxy::new();
        fake.fail_next(ProxyErrorKind::Refused);
        fake.fail_next(ProxyErrorKind::Refused);
        let proxy = Coalesced::new(Arc::new(fake.clone()));
        let turn = proxy.turn.lock().await;
        let asked = ask_for(&proxy, &["a", "b", "c"]);
        let release = async { drop(turn) };
        let (answers, ()) = futures_util::join!(asked, release);
        let failed = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(failed, 1, "all together, then one by one: only the first is refused");
    }

    #[tokio::test]
    async fn what_a_dropped_one_had_taken_along_is_made_all_the_same() {
        let fake = FakeProxy::new();
        let proxy = Coalesced::new(Arc::new(fake.clone()));
        let turn = proxy.turn.lock().await;
        let asked = async { proxy.change_sites(&removal("a")).await };
        let taken = async {
            proxy.waiting().clear();
            drop(turn);
        };
        let (answer, ()) = futures_util::join!(asked, taken);
        assert!(answer.is_ok());
        assert_eq!(fake.changes().len(), 1);
    }
}
