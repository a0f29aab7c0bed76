//! `ps:set`, `checks:set` and `releases:set`: one way to set a property, each with its own list of them.

use ps_core::policies::{Property, PropertyError, PropertyGroup};
use ps_core::store::{Scope, StoreChange};

use super::Outcome;
use super::store_only::{Step, Told, apply};
use super::use_cases::{changing, finish};
use crate::arguments::split_scope;
use crate::command_error::CommandError;
use crate::wiring::Session;

pub(super) async fn set(group: PropertyGroup, is_global: bool, words: &[String], session: &Session) -> Outcome {
    let (scope, words) = split_scope(is_global, words)?;
    // Dokku reports an absent app before an unknown property.
    let app = match &scope {
        Scope::App(app) => Some(session.app(app).await?),
        Scope::Global => None,
    };
    let (property, value) = setting(group, words, &scope)?;
    session.terminal().section(&match value {
        "" => format!("Unsetting {property}"),
        value => format!("Setting {property} to {value}"),
    });
    let value = Some(value.to_owned()).filter(|value| !value.is_empty());
    // Only a restart policy can change containers that run.
    if let Some(app) = app.filter(|app| property == Property::RestartPolicy && app.release.is_some()) {
        let use_cases = changing(session).await?;
        let outcome = use_cases.operations.set_property(&app.name, property, value).await;
        return finish(session, &use_cases, outcome).await;
    }
    let _lock = match &scope {
        Scope::App(app) => session.lock(app, verb(group)).await?,
        Scope::Global => None,
    };
    let done = match &value {
        Some(value) => format!("set {property} to {value}"),
        None => format!("cleared {property}"),
    };
    let app = match &scope {
        Scope::App(app) => Some(app.clone()),
        Scope::Global => None,
    };
    let change = StoreChange::SetProperty { scope, property, value };
    let told = Told {
        verb: verb(group),
        app: app.as_ref(),
        done,
    };
    apply(
        session,
        told,
        vec![Step {
            text: format!("record {change}"),
            cause: Some("the setting was changed"),
            change,
        }],
    )
    .await
}

const fn verb(group: PropertyGroup) -> &'static str {
    match group {
        PropertyGroup::Ps => "ps:set",
        PropertyGroup::Checks => "checks:set",
        PropertyGroup::Releases => "releases:set",
        PropertyGroup::Proxy => "proxy:set",
    }
}

/// The property and its value, checked; an empty value clears.
pub(super) fn setting<'a>(
    group: PropertyGroup,
    words: &'a [String],
    scope: &Scope,
) -> Result<(Property, &'a str), CommandError> {
    let (name, value) = match words {
        [] => {
            let names: Vec<&str> = group.properties().map(Property::name).collect();
            return Err(
                CommandError::usage("no property is named").hint(format!("properties are {}", names.join(", ")))
            );
        }
        [name] => (name, ""),
        [name, value] => (name, value.as_str()),
        [_, _, extra, ..] => {
            let error = CommandError::usage(format!("`{extra}` is one word too many"));
            return Err(error.hint("put quotes around a value of several words"));
        }
    };
    let property = group.property(name)?;
    if *scope == Scope::Global && !property.is_global() {
        return Err(PropertyError::NotGlobal { property }.into());
    }
    if *scope != Scope::Global && !property.is_for_apps() {
        return Err(PropertyError::OnlyGlobal { property }.into());
    }
    property.check(value)?;
    Ok((property, value))
}
