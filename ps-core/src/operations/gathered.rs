//! Several plans at once, and one change of the proxy for all of them. Invariant: a plan's own call waits until every other one has
//! asked for its change, or will never ask.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_lock::OnceCell;
use async_trait::async_trait;

use crate::names::AppName;
use crate::proxy::{Proxy, ProxyError, ProxyState, SiteChange};

/// What became of each app's change.
type Answers = BTreeMap<AppName, Result<(), ProxyError>>;

/// Where the changes meet.
#[derive(Debug)]
pub(super) struct Gathered {
    proxy: Arc<dyn Proxy>,
    waiting: Mutex<Waiting>,
    answers: OnceCell<Answers>,
}

#[derive(Debug)]
struct Waiting {
    missing: usize,
    changes: Vec<SiteChange>,
}

/// One of the plans; each asks for one change, or leaves.
#[derive(Debug)]
pub(super) struct Participant<'a> {
    gathered: &'a Gathered,
    has_come: AtomicBool,
}

impl Gathered {
    /// A meeting of so many plans.
    pub(super) fn new(proxy: Arc<dyn Proxy>, plans: usize) -> Self {
        let waiting = Waiting {
            missing: plans,
            changes: Vec::new(),
        };
        Self {
            proxy,
            waiting: Mutex::new(waiting),
            answers: OnceCell::new(),
        }
    }

    /// One of them.
    pub(super) fn participant(&self) -> Participant<'_> {
        Participant {
            gathered: self,
            has_come: AtomicBool::new(false),
        }
    }

    /// The last one to come makes the call.
    async fn come(&self, changes: &[SiteChange]) {
        let all = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.changes.extend_from_slice(changes);
            waiting.missing = waiting.missing.saturating_sub(1);
            (waiting.missing == 0).then(|| std::mem::take(&mut waiting.changes))
        };
        if let Some(all) = all {
            let answers = change_together(&*self.proxy, &all).await;
            // Nobody else comes last.
            let _ = self.answers.set(answers).await;
        }
    }
}

/// All as one; where the proxy refuses them together, one by one, so that one app's file does not stop the others.
async fn change_together(proxy: &dyn Proxy, changes: &[SiteChange]) -> Answers {
    if changes.is_empty() {
        return Answers::new();
    }
    let error = match proxy.change_sites(changes).await {
        Ok(()) => return changes.iter().map(|change| (change.app().clone(), Ok(()))).collect(),
        Err(error) => error,
    };
    let mut answers = Answers::new();
    for change in changes {
        let answer = if error.kind.blames_one_site() && changes.len() > 1 {
            proxy.change_sites(std::slice::from_ref(change)).await
        } else {
            Err(copy(&error))
        };
        answers.insert(change.app().clone(), answer);
    }
    answers
}

impl Participant<'_> {
    /// It is done, whether or not it asked for a change.
    pub(super) async fn leave(&self) {
        if !self.has_come.swap(true, Ordering::Relaxed) {
            self.gathered.come(&[]).await;
        }
    }
}

#[async_trait]
impl Proxy for Participant<'_> {
    async fn state(&self) -> Result<ProxyState, ProxyError> {
        self.gathered.proxy.state().await
    }

    async fn change_sites(&self, changes: &[SiteChange]) -> Result<(), ProxyError> {
        if self.has_come.swap(true, Ordering::Relaxed) {
            return self.gathered.proxy.change_sites(changes).await;
        }
        self.gathered.come(changes).await;
        let answers = self.gathered.answers.wait().await;
        for change in changes {
            if let Some(Err(error)) = answers.get(change.app()) {
                return Err(copy(error));
            }
        }
        Ok(())
    }

    async fn leave(&self) -> Result<(), ProxyError> {
        self.gathered.proxy.leave().await
    }

    async fn site_file(&self, app: &AppName) -> Result<Option<(PathBuf, String)>, ProxyError> {
        self.gathered.proxy.site_file(app).await
    }
}

/// The same for another app; its cause in words.
pub(super) fn copy(error: &ProxyError) -> ProxyError {
    let cause = error.source.as_ref().map(ToString::to_string);
    ProxyError {
        kind: error.kind,
        message: error.message.clone(),
        said: error.said.clone(),
        hint: error.hint.clone(),
        source: cause.map(Into::into),
    }
}
