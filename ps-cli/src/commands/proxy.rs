//! The `proxy` namespace.

use ps_core::app::AppRecord;
use ps_core::names::AppName;
use ps_core::policies::{Property, PropertyGroup, ProxyChoice};
use ps_core::store::{Scope, StoreChange};

use super::Outcome;
use super::properties::setting;
use super::report_value::print_value;
use super::store_only::{Step, Told, apply};
use super::use_cases::{changing, each, finish, looking};
use crate::arguments::{AppSelection, Format, ManyApps, ProxySet, TrafficReport, split_scope};
use crate::command_error::CommandError;
use crate::exit_status::ExitStatus;
use crate::rendering::report::rows;
use crate::rendering::traffic::{ProxyView, proxy_rows, proxy_state_rows};
use crate::wiring::Session;

pub(super) async fn build_config(arguments: &ManyApps, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    let apps = selected(arguments, session).await?;
    let results = use_cases.operations.build_proxy_config(&apps).await;
    of_one_or_all(arguments, session, &use_cases, results, "proxy:build-config").await
}

pub(super) async fn clear_config(arguments: &ManyApps, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    let apps = selected(arguments, session).await?;
    let results = use_cases.operations.clear_proxy_config(&apps).await;
    of_one_or_all(arguments, session, &use_cases, results, "proxy:clear-config").await
}

async fn selected(arguments: &ManyApps, session: &Session) -> Result<Vec<AppName>, CommandError> {
    Ok(match arguments.selection() {
        AppSelection::One(app) => vec![session.app(&app).await?.name],
        AppSelection::All(_) => session.apps().await?.into_iter().map(|app| app.name).collect(),
    })
}

/// One app's failure is its own; among all of them it is counted.
async fn of_one_or_all(
    arguments: &ManyApps,
    session: &Session,
    use_cases: &super::use_cases::UseCases,
    results: Vec<ps_core::operations::AppResult>,
    verb: &str,
) -> Outcome {
    if arguments.all {
        return each(session, use_cases, results, verb).await;
    }
    match results.into_iter().next() {
        Some(one) => finish(session, use_cases, one.result).await,
        None => Ok(ExitStatus::Done),
    }
}

pub(super) async fn set(arguments: &ProxySet, session: &Session) -> Outcome {
    let (scope, words) = split_scope(arguments.global, &arguments.words)?;
    // Dokku reports an absent app before an unknown property.
    if let Scope::App(app) = &scope {
        session.app(app).await?;
    }
    // `proxy:set shop nginx` is Dokku's form.
    let in_full = match words {
        [choice] if matches!(choice.as_str(), "nginx" | "none") => {
            vec![Property::Proxy.name().to_owned(), choice.clone()]
        }
        words => words.to_vec(),
    };
    let (property, value) = setting(PropertyGroup::Proxy, &in_full, &scope)?;
    session.terminal().section(&match value {
        "" => format!("Unsetting {property}"),
        value => format!("Setting {property} to {value}"),
    });
    let value = Some(value.to_owned()).filter(|value| !value.is_empty());
    match scope {
        Scope::App(app) => {
            let use_cases = changing(session).await?;
            let outcome = use_cases.operations.set_proxy_property(&app, property, value).await;
            finish(session, &use_cases, outcome).await
        }
        Scope::Global => set_globally(property, value, session).await,
    }
}

/// Every app with a proxy file gets it anew. Where the files lie elsewhere afterwards, the old ones go first.
async fn set_globally(property: Property, value: Option<String>, session: &Session) -> Outcome {
    let moves = matches!(property, Property::NginxMode | Property::IncludeDirectory);
    let apps = session.apps().await?;
    let names = |wanted: &dyn Fn(&AppRecord) -> bool| -> Vec<AppName> {
        let wanted = apps.iter().filter(|app| wanted(app));
        wanted.map(|app| app.name.clone()).collect()
    };
    let is_routed = |app: &AppRecord| app.routed.is_some();
    if moves {
        let routed = names(&is_routed);
        if let Err(error) = clear_and_leave(&routed, session).await {
            // Nothing is recorded: those that were cleared are served as before.
            let use_cases = changing(session).await?;
            let results = use_cases.operations.build_proxy_config(&routed).await;
            let _ = each(session, &use_cases, results, "proxy:set").await;
            return Err(error);
        }
    }
    // Without a proxy apps have no file, and a change of places that was killed may have left them none.
    let reaches_all = moves || property == Property::Proxy;
    let mut global = session.global().await?;
    match &value {
        Some(value) => global.properties.insert(property, value.clone()),
        None => global.properties.remove(&property),
    };
    let is_to_be_served = |app: &AppRecord| {
        let policies = app.policies(&global);
        app.release.is_some() && policies.is_ok_and(|policies| policies.proxy != ProxyChoice::None)
    };
    let touched = names(&|app| is_routed(app) || reaches_all && is_to_be_served(app));
    let scope = Scope::Global;
    let change = StoreChange::SetProperty { scope, property, value };
    let done = format!("set {property} of all apps");
    record_for_all("proxy:set", done, change, &touched, session).await
}

/// Takes all files out of the proxy, and what made it read them.
async fn clear_and_leave(routed: &[AppName], session: &Session) -> Result<(), CommandError> {
    if !routed.is_empty() {
        let use_cases = changing(session).await?;
        let results = use_cases.operations.clear_proxy_config(routed).await;
        each(session, &use_cases, results, "proxy:set").await?;
    }
    if !session.options().dry_run {
        session.store().await?;
        session.proxy().await?.leave().await?;
    }
    Ok(())
}

/// Records what counts for all apps, and then writes the files of those that it touches.
pub(super) async fn record_for_all(
    verb: &str,
    done: String,
    change: StoreChange,
    touched: &[AppName],
    session: &Session,
) -> Outcome {
    let step = Step {
        text: format!("record {change}"),
        cause: Some("the setting was changed"),
        change,
    };
    let told = Told { verb, app: None, done };
    let status = apply(session, told, vec![step]).await?;
    if touched.is_empty() || session.options().dry_run {
        return Ok(status);
    }
    // What was set counts from here on.
    let use_cases = changing(session).await?;
    let results = use_cases.operations.build_proxy_config(touched).await;
    each(session, &use_cases, results, verb).await
}

pub(super) async fn report(arguments: &TrafficReport, session: &Session) -> Outcome {
    let (terminal, global) = (session.terminal(), session.global().await?);
    let apps = match &arguments.app {
        _ if arguments.global => Vec::new(),
        Some(app) => vec![session.app(app).await?],
        None => session.apps().await?,
    };
    let use_cases = looking(session).await?;
    let state = use_cases.operations.proxy_state().await?;
    if arguments.global && arguments.format == Format::Stdout {
        let rows_of = proxy_state_rows(&state, &global);
        if let Some(flag) = &arguments.info_flag {
            return print_value(flag, None, &rows_of, session);
        }
        terminal.header("global proxy information");
        terminal.data(&rows(&rows_of));
        return Ok(ExitStatus::Done);
    }
    let traffic = use_cases.operations.traffic(apps).await?;
    if arguments.format == Format::Json {
        terminal.json(&ProxyView::new(&traffic, &state, &global).document());
        return Ok(ExitStatus::Done);
    }
    for app in &traffic {
        let rows_of = proxy_rows(app, &state, &global);
        let name = &app.record.name;
        if let Some(flag) = &arguments.info_flag {
            let title = Some(name.as_str()).filter(|_| arguments.app.is_none());
            print_value(flag, title, &rows_of, session)?;
            continue;
        }
        terminal.header(&format!("{name} proxy information"));
        terminal.data(&rows(&rows_of));
    }
    Ok(ExitStatus::Done)
}
