//! What an engine that has just started could not do is tried again. Invariant: only what failed for a reason of the engine's is, and only
//! so often; whatever an app is to blame for stays failed.

use std::pin::pin;
use std::time::Duration;

use async_lock::Semaphore;
use futures_util::future::{join_all, select};

use super::blame::Blame;
use super::{Operations, RestoreOutcome, RestoredApp};

/// The pauses before each time.
const PAUSES: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(20)];

impl Operations {
    /// Restores again what failed for a reason of the engine's.
    pub(super) async fn restore_again(&self, apps: &mut [RestoredApp], turns: &Semaphore) {
        for pause in PAUSES {
            let failed: Vec<&mut RestoredApp> = apps.iter_mut().filter(|app| may_come_back(app)).collect();
            if failed.is_empty() || self.is_dry_run() {
                return;
            }
            let wait = pin!(self.adapters.clock.sleep(pause));
            select(wait, pin!(self.cancellation.cancelled())).await;
            if self.cancellation.is_cancelled() {
                return;
            }
            let is_proxy_ready = self.is_proxy_ready().await;
            let work = failed.into_iter().map(|restored| async move {
                if let Ok(record) = self.adapters.store.app(&restored.app).await {
                    *restored = self.restore_app(record, is_proxy_ready, turns).await;
                }
            });
            join_all(work).await;
        }
    }
}

fn may_come_back(restored: &RestoredApp) -> bool {
    matches!(&restored.outcome, RestoreOutcome::Failed(error) if Blame::of(error) == Blame::Engine)
}
