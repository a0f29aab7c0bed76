//! The proxy as it is set up now. Invariant: each call reads the settings anew, since a command that goes on for long outlives them.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use ps_core::names::{AppName, OwnerToken};
use ps_core::proxy::{Proxy, ProxyError, ProxyErrorKind, ProxyState, SiteChange};
use ps_core::store::Store;

use super::adapters::{Adapters, ProxyPlace};
use crate::environment::Environment;

/// What the adapter is made of for each call.
#[derive(Debug)]
pub(super) struct CurrentProxy {
    pub(super) adapters: Arc<dyn Adapters>,
    pub(super) store: Arc<dyn Store>,
    pub(super) owner: OwnerToken,
    pub(super) state_directory: PathBuf,
    pub(super) environment: Environment,
}

impl CurrentProxy {
    async fn now(&self) -> Result<Arc<dyn Proxy>, ProxyError> {
        let global = self.store.global().await.map_err(|error| {
            let mut failure = ProxyError::new(ProxyErrorKind::Failed, "the settings of the proxy cannot be read");
            failure.source = Some(Box::new(error));
            failure
        })?;
        Ok(self.adapters.proxy(&ProxyPlace {
            state_directory: &self.state_directory,
            owner: &self.owner,
            environment: &self.environment,
            properties: &global.properties,
        }))
    }
}

#[async_trait]
impl Proxy for CurrentProxy {
    async fn state(&self) -> Result<ProxyState, ProxyError> {
        self.now().await?.state().await
    }

    async fn change_sites(&self, changes: &[SiteChange]) -> Result<(), ProxyError> {
        self.now().await?.change_sites(changes).await
    }

    async fn leave(&self) -> Result<(), ProxyError> {
        self.now().await?.leave().await
    }

    async fn site_file(&self, app: &AppName) -> Result<Option<(PathBuf, String)>, ProxyError> {
        self.now().await?.site_file(app).await
    }
}

#[cfg(test)]
mod tests {
    use ps_core::policies::Property;
    use ps_core::store::{Scope, StoreChange};
    use ps_core::testing::{FakeClock, MemoryStore};

    use super::*;
    use crate::wiring::adapters::RealAdapters;

    #[tokio::test]
    async fn a_setting_that_changes_counts_from_the_next_call_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(MemoryStore::new(Arc::new(FakeClock::automatic())));
        let proxy = CurrentProxy {
            adapters: Arc::new(RealAdapters::default()),
            owner: store.owner().await.unwrap(),
            store: store.clone(),
            state_directory: folder.path().to_owned(),
            environment: Environment::default(),
        };
        assert_eq!(proxy.state().await.unwrap().http_port, 80);
        let change = StoreChange::SetProperty {
            scope: Scope::Global,
            property: Property::HttpPort,
            value: Some("9090".to_owned()),
        };
        store.apply(&[change]).await.unwrap();
        assert_eq!(proxy.state().await.unwrap().http_port, 9090);
    }
}
