//! The comparison after each connection: everything of ours that is there. Invariant: what another engine shows is taken for nothing, least
//! of all for an engine on which everything is missing.

use super::attend::{Round, described};
use crate::observation::{Observation, observation_filter, observe};
use crate::runtime::EngineDetail;

/// What the engine showed.
pub(super) struct Compared {
    pub(super) observation: Observation,
    pub(super) engine: EngineDetail,
}

impl Round<'_> {
    /// Asks for everything, and then who answered; `known` is the engine that it has to be. What failed is told in words.
    pub(super) async fn compare(self, known: &EngineDetail) -> Result<Compared, String> {
        let engine = &self.operations.adapters.engine;
        let listed = engine.list_containers(&observation_filter(self.owner)).await;
        let rows = listed.map_err(|error| described(&error))?;
        // Asked last: whoever came in between shows too.
        let engine = engine.inspect_engine().await.map_err(|error| described(&error))?;
        if !known.identity.is_same_engine(&engine.identity) {
            return Err("another engine answers".to_owned());
        }
        // An engine's own id may be the host's, and stay when its storage is another one (Docker 20.10).
        if known.storage.is_some() && known.storage != engine.storage {
            let text = "the engine has another storage than before; where it was moved, start events:listen again";
            return Err(text.to_owned());
        }
        Ok(Compared {
            observation: observe(self.owner, &rows),
            engine,
        })
    }
}
