//! One verb over all apps, some at a time. A failing app does not stop the others.

use futures_util::StreamExt;

use super::{OperationError, Operations, VerbOutcome};
use crate::names::AppName;

/// What became of one app.
#[derive(Debug)]
pub struct AppResult {
    /// The app.
    pub app: AppName,
    /// What happened.
    pub result: Result<VerbOutcome, OperationError>,
}

impl Operations {
    /// Runs a verb for every app, at most `parallel` at a time, in the order of their names.
    pub async fn for_all<'a, F, Fut>(&'a self, parallel: usize, verb: F) -> Result<Vec<AppResult>, OperationError>
    where
        F: Fn(&'a Self, AppName) -> Fut,
        Fut: Future<Output = Result<VerbOutcome, OperationError>>,
    {
        let apps = self.adapters.store.apps().await?;
        let work = apps.into_iter().map(|record| {
            let work = verb(self, record.name.clone());
            async move {
                AppResult {
                    app: record.name,
                    result: work.await,
                }
            }
        });
        Ok(futures_util::stream::iter(work)
            .buffered(parallel.max(1))
            .collect()
            .await)
    }
}
