//! Reading an app's source, and keeping what a later rebuild needs. Invariant: what is kept for an app is what its record and its
//! release name, after every use case that changes either, whether it succeeds or fails.

use futures_util::future::{Either, select};
use futures_util::pin_mut;

use super::{OperationError, Operations};
use crate::execution::OperationEvent;
use crate::names::AppName;
use crate::planning::Situation;
use crate::release::Source;
use crate::source::{PreparedSource, SourcePaths};
use crate::store::{StoreError, StoreErrorKind};

impl Operations {
    /// The source as it is recorded; a dry run keeps nothing.
    pub(super) async fn keep_source(&self, app: &AppName, source: Source) -> Result<Source, OperationError> {
        if self.is_dry_run() {
            return Ok(source);
        }
        Ok(self.adapters.source.keep(app, &source).await?)
    }

    /// Reads a source and finds it valid, before anything is changed. Images are read once they are there.
    pub(super) async fn read_source(
        &self,
        situation: &Situation,
        source: &Source,
        verb: &str,
    ) -> Result<Option<PreparedSource>, OperationError> {
        let app = &situation.record.name;
        match source {
            Source::Image(_) | Source::ImageArchive { .. } => return Ok(None),
            Source::Git { .. } => self.stage(app, format!("Fetching {source}")),
            Source::Directory(_) | Source::Archive { .. } => {}
        }
        let paths = SourcePaths {
            procfile: situation.policies.procfile_path.clone(),
            app_json: situation.policies.appjson_path.clone(),
        };
        let reading = self.adapters.source.read(app, source, &paths);
        let cancelled = self.cancellation.cancelled();
        pin_mut!(reading, cancelled);
        let read = match select(reading, cancelled).await {
            Either::Left((read, _)) => read?,
            Either::Right(((), _)) => {
                return Err(OperationError::Interrupted {
                    app: app.clone(),
                    verb: verb.to_owned(),
                });
            }
        };
        self.warn(app, &read.warnings);
        Ok(Some(read))
    }

    /// Removes what is kept and no longer named. What cannot be removed now is tried again by the next command.
    pub(super) async fn forget_unneeded(&self, app: &AppName) {
        if self.is_dry_run() {
            return;
        }
        let record = match self.adapters.store.app(app).await {
            Ok(record) => Some(record),
            Err(StoreError {
                kind: StoreErrorKind::NoSuchApp(_),
                ..
            }) => None,
            // Better too much than too little.
            Err(_) => return,
        };
        let release = record.as_ref().and_then(|record| record.release.as_ref());
        let of_release = release.map(|release| &release.source);
        let of_app = record.as_ref().and_then(|record| record.source.as_ref());
        let needed: Vec<&Source> = of_app.into_iter().chain(of_release).collect();
        if let Err(error) = self.adapters.source.forget(app, &needed).await {
            let text = format!("old copies of the source of {app} are left: {error}");
            let app = app.clone();
            self.adapters.events.emit(OperationEvent::Warning { app, text });
        }
    }
}
