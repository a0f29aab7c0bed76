//! One change of an environment, from reading it to storing or rolling out the result.

use ps_core::config::Config;
use ps_core::operations::ConfigEdit;
use ps_core::store::{Scope, StoreChange};

use super::Outcome;
use super::store_only::{Step, Told, apply};
use super::use_cases::{changing, finish};
use crate::command_error::CommandError;
use crate::wiring::Session;

/// An environment that is being changed.
pub(super) struct Edit {
    scope: Scope,
    verb: &'static str,
    config: Config,
    is_released: bool,
}

impl Edit {
    /// Reads.
    pub(super) async fn open(scope: Scope, verb: &'static str, session: &Session) -> Result<Self, CommandError> {
        let (config, is_released) = match &scope {
            Scope::Global => (session.global().await?.config, false),
            Scope::App(app) => {
                let app = session.app(app).await?;
                let is_in_service = !app.stopped_by_operator && app.quarantine.is_none();
                (app.config, app.release.is_some() && is_in_service)
            }
        };
        Ok(Self {
            scope,
            verb,
            config,
            is_released,
        })
    }

    /// The environment before the changes.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Makes the changes, or shows them.
    pub(super) async fn finish(
        self,
        entries: Vec<(String, String)>,
        unset: &[String],
        no_restart: bool,
        session: &Session,
    ) -> Outcome {
        session.terminal().hide(entries.iter().map(|(_, value)| value.clone()));
        let mut edit = ConfigEdit {
            set: Config::default(),
            unset: unset.to_vec(),
        };
        for (name, value) in &entries {
            edit.set.set(name, value.clone())?;
        }
        if edit.applied_to(&self.config) == self.config {
            session.terminal().step("Nothing changes");
            return apply(session, self.told(&edit), Vec::new()).await;
        }
        let names = edit
            .set
            .iter()
            .map(|(name, _)| name)
            .chain(unset.iter().map(String::as_str));
        session
            .terminal()
            .step(&format!("{}: {}", self.verb, names.collect::<Vec<_>>().join(" ")));
        match &self.scope {
            Scope::App(app) if self.is_released && !no_restart => {
                let use_cases = changing(session).await?;
                let outcome = use_cases.operations.configure(app, &edit, true).await;
                finish(session, &use_cases, outcome).await
            }
            _ => self.store(&edit, session).await,
        }
    }

    fn told(&self, edit: &ConfigEdit) -> Told<'_> {
        Told {
            verb: self.verb,
            app: match &self.scope {
                Scope::App(app) => Some(app),
                Scope::Global => None,
            },
            done: edit.summary(),
        }
    }

    /// Only stores: no engine has to be there.
    async fn store(&self, edit: &ConfigEdit, session: &Session) -> Outcome {
        let (_lock, before) = match &self.scope {
            Scope::App(app) => {
                let (lock, app) = session.lock_existing(app, self.verb).await?;
                (lock, app.config)
            }
            Scope::Global => (None, self.config.clone()),
        };
        let change = StoreChange::SetConfig {
            scope: self.scope.clone(),
            config: edit.applied_to(&before),
        };
        apply(
            session,
            self.told(edit),
            vec![Step {
                text: format!("record {change}"),
                cause: Some("the setting was changed"),
                change,
            }],
        )
        .await
    }
}
