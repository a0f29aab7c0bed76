//! A proxy in memory. Invariant: a call that fails leaves the sites as they were, unless its answer was told to be lost.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::names::AppName;
use crate::proxy::{Proxy, ProxyError, ProxyErrorKind, ProxyPresence, ProxyState, Site, SiteChange};

/// Where the files of a [`FakeProxy`] would be.
const DIRECTORY: &str = "/fake/nginx/sites";

/// A call that a [`FakeProxy`] got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FakeProxyCall {
    /// Whether there is a proxy.
    State,
    /// To change sites, in the order they were given.
    Change(Vec<SiteChange>),
    /// To read nothing of psctl any more.
    Leave,
    /// For the file of an app.
    SiteFile(AppName),
}

/// What becomes of the next change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Succeeds,
    Fails(ProxyErrorKind),
    LosesItsAnswer,
}

/// A proxy that keeps sites and serves nobody. Clones share what they know.
///
/// ```
/// use ps_core::proxy::ProxyErrorKind;
/// use ps_core::testing::FakeProxy;
/// let proxy = FakeProxy::new();
/// proxy.fail_next(ProxyErrorKind::Refused);
/// assert!(proxy.sites().is_empty() && proxy.calls().is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct FakeProxy {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug)]
struct Known {
    presence: ProxyPresence,
    sites: BTreeMap<AppName, Site>,
    troubles: VecDeque<Trouble>,
    calls: Vec<FakeProxyCall>,
}

impl Default for FakeProxy {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeProxy {
    /// A proxy that is ready and has no site.
    pub fn new() -> Self {
        Self {
            known: Arc::new(Mutex::new(Known {
                presence: ProxyPresence::Ready,
                sites: BTreeMap::new(),
                troubles: VecDeque::new(),
                calls: Vec::new(),
            })),
        }
    }

    /// Whether it is there from now on; while it is not ready every change fails.
    pub fn set_presence(&self, presence: ProxyPresence) {
        self.known().presence = presence;
    }

    /// Whether it is there.
    pub fn presence(&self) -> ProxyPresence {
        self.known().presence
    }

    /// The next change fails and changes nothing; several wait for their turn.
    pub fn fail_next(&self, kind: ProxyErrorKind) {
        self.known().troubles.push_back(Trouble::Fails(kind));
    }

    /// So many changes succeed before what is told next happens.
    pub fn succeed_next(&self, count: usize) {
        let succeed = std::iter::repeat_n(Trouble::Succeeds, count);
        self.known().troubles.extend(succeed);
    }

    /// The next change is made, and its caller is told that the outcome is not known.
    pub fn lose_next_answer(&self) {
        self.known().troubles.push_back(Trouble::LosesItsAnswer);
    }

    /// What is served now.
    pub fn sites(&self) -> BTreeMap<AppName, Site> {
        self.known().sites.clone()
    }

    /// How an app is served now.
    pub fn site(&self, app: &AppName) -> Option<Site> {
        self.known().sites.get(app).cloned()
    }

    /// The calls so far, in order, those that failed too.
    pub fn calls(&self) -> Vec<FakeProxyCall> {
        self.known().calls.clone()
    }

    /// The changes that were asked for so far, a list a call, those that failed too.
    pub fn changes(&self) -> Vec<Vec<SiteChange>> {
        let calls = self.calls().into_iter();
        calls
            .filter_map(|call| match call {
                FakeProxyCall::Change(changes) => Some(changes),
                FakeProxyCall::State | FakeProxyCall::Leave | FakeProxyCall::SiteFile(_) => None,
            })
            .collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn change(&mut self, changes: &[SiteChange]) -> Result<(), ProxyError> {
        match self.presence {
            ProxyPresence::Ready => {}
            ProxyPresence::Absent => return Err(told(ProxyErrorKind::Absent)),
            ProxyPresence::Down => return Err(told(ProxyErrorKind::Down)),
        }
        let trouble = self.troubles.pop_front();
        if let Some(Trouble::Fails(kind)) = trouble {
            return Err(told(kind));
        }
        for change in changes {
            match change {
                SiteChange::Serve(site) => self.sites.insert(site.app.clone(), site.clone()),
                SiteChange::Remove(app) => self.sites.remove(app),
            };
        }
        match trouble {
            Some(Trouble::LosesItsAnswer) => Err(told(ProxyErrorKind::OutcomeUnknown)),
            _ => Ok(()),
        }
    }
}

fn told(kind: ProxyErrorKind) -> ProxyError {
    let message = match kind {
        ProxyErrorKind::Absent => "there is no nginx on this host",
        ProxyErrorKind::Down => "nginx does not run",
        ProxyErrorKind::Template => "the template cannot be rendered",
        ProxyErrorKind::Refused => "nginx refuses the configuration",
        ProxyErrorKind::OutcomeUnknown => "nginx did not say that it serves the new configuration",
        ProxyErrorKind::Failed => "the files of nginx cannot be written",
    };
    ProxyError::new(kind, message)
}

#[async_trait]
impl Proxy for FakeProxy {
    async fn state(&self) -> Result<ProxyState, ProxyError> {
        let mut known = self.known();
        known.calls.push(FakeProxyCall::State);
        let is_there = known.presence != ProxyPresence::Absent;
        Ok(ProxyState {
            presence: known.presence,
            kind: "nginx",
            program: is_there.then(|| PathBuf::from("/fake/sbin/nginx")),
            version: is_there.then(|| "1.22.1".to_owned()),
            configuration: PathBuf::from("/fake/nginx/nginx.conf"),
            directory: PathBuf::from(DIRECTORY),
            includes_directory: (!known.sites.is_empty()).then_some(true),
            http_port: 80,
            is_own: false,
            runs: known.presence == ProxyPresence::Ready,
        })
    }

    async fn change_sites(&self, changes: &[SiteChange]) -> Result<(), ProxyError> {
        let mut known = self.known();
        known.calls.push(FakeProxyCall::Change(changes.to_vec()));
        known.change(changes)
    }

    async fn leave(&self) -> Result<(), ProxyError> {
        let mut known = self.known();
        known.calls.push(FakeProxyCall::Leave);
        known.sites.clear();
        Ok(())
    }

    async fn site_file(&self, app: &AppName) -> Result<Option<(PathBuf, String)>, ProxyError> {
        let mut known = self.known();
        known.calls.push(FakeProxyCall::SiteFile(app.clone()));
        Ok(known.sites.get(app).map(|site| {
            let upstreams = site.upstreams.iter();
            let lines: Vec<String> = upstreams
                .map(|upstream| format!("# {} {}\n", upstream.replica, upstream.address))
                .collect();
            let file = PathBuf::from(DIRECTORY).join(format!("{app}.conf"));
            (file, format!("# {app}\n{}", lines.concat()))
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::proxy::SiteSettings;

    fn shop() -> AppName {
        "shop".parse().unwrap()
    }

    fn serve() -> [SiteChange; 1] {
        [SiteChange::Serve(Site {
            app: shop(),
            settings: SiteSettings {
                domains: vec!["shop.localhost".parse().unwrap()],
                body_limit: 0,
                connect_timeout: Duration::from_secs(1),
                read_timeout: Duration::from_secs(1),
                send_timeout: Duration::from_secs(1),
                template: None,
            },
            upstreams: Vec::new(),
        })]
    }

    #[tokio::test]
    async fn a_site_is_kept_until_it_is_removed() {
        let proxy = FakeProxy::new();
        proxy.change_sites(&serve()).await.unwrap();
        assert!(proxy.site(&shop()).is_some() && proxy.site_file(&shop()).await.unwrap().is_some());
        proxy.change_sites(&[SiteChange::Remove(shop())]).await.unwrap();
        assert!(proxy.sites().is_empty());
        assert_eq!(proxy.changes(), [serve().to_vec(), vec![SiteChange::Remove(shop())]]);
        assert_eq!(proxy.calls().len(), 3);
    }

    #[tokio::test]
    async fn failures_come_in_their_order_and_change_nothing() {
        let proxy = FakeProxy::new();
        proxy.fail_next(ProxyErrorKind::Refused);
        proxy.fail_next(ProxyErrorKind::OutcomeUnknown);
        for kind in [ProxyErrorKind::Refused, ProxyErrorKind::OutcomeUnknown] {
            assert_eq!(proxy.change_sites(&serve()).await.unwrap_err().kind, kind);
            assert!(proxy.sites().is_empty());
        }
        proxy.change_sites(&serve()).await.unwrap();
    }

    #[tokio::test]
    async fn a_lost_answer_changes_the_sites() {
        let proxy = FakeProxy::new();
        proxy.lose_next_answer();
        let error = proxy.change_sites(&serve()).await.unwrap_err();
        assert_eq!(error.kind, ProxyErrorKind::OutcomeUnknown);
        assert!(proxy.site(&shop()).is_some());
    }

    #[tokio::test]
    async fn without_a_proxy_every_change_fails() {
        let proxy = FakeProxy::new();
        for (presence, kind) in [
            (ProxyPresence::Absent, ProxyErrorKind::Absent),
            (ProxyPresence::Down, ProxyErrorKind::Down),
        ] {
            proxy.set_presence(presence);
            assert_eq!(proxy.state().await.unwrap().presence, presence);
            assert_eq!(proxy.change_sites(&serve()).await.unwrap_err().kind, kind);
        }
    }
}
