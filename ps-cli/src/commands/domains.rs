//! The `domains` namespace.

use ps_core::domains::Domain;
use ps_core::names::AppName;
use ps_core::operations::DomainEdit;
use ps_core::store::{Scope, StoreChange};

use super::Outcome;
use super::proxy::record_for_all;
use super::report_value::print_value;
use super::use_cases::{changing, finish, looking};
use crate::arguments::{DomainsChange, Format, ScopeOnly, TrafficReport, split_scope};
use crate::command_error::CommandError;
use crate::exit_status::ExitStatus;
use crate::rendering::report::rows;
use crate::rendering::traffic::{DomainsView, domain_rows, global_domain_rows};
use crate::wiring::Session;

pub(super) async fn add(arguments: &DomainsChange, session: &Session) -> Outcome {
    change(arguments, session, DomainEdit::Add, "Adding").await
}

pub(super) async fn remove(arguments: &DomainsChange, session: &Session) -> Outcome {
    change(arguments, session, DomainEdit::Remove, "Removing").await
}

pub(super) async fn set(arguments: &DomainsChange, session: &Session) -> Outcome {
    change(arguments, session, DomainEdit::Set, "Setting").await
}

pub(super) async fn clear(arguments: &ScopeOnly, session: &Session) -> Outcome {
    let scope = arguments.app.clone().map_or(Scope::Global, Scope::App);
    edit(session, scope, &DomainEdit::Clear, "Clearing the domains").await
}

async fn change(
    arguments: &DomainsChange,
    session: &Session,
    to_edit: fn(Vec<Domain>) -> DomainEdit,
    doing: &str,
) -> Outcome {
    let (scope, words) = split_scope(arguments.global, &arguments.words)?;
    if words.is_empty() {
        return Err(CommandError::usage("no domain is named"));
    }
    let domains = words.iter().map(|word| word.parse::<Domain>());
    let domains = domains.collect::<Result<Vec<_>, _>>().map_err(CommandError::usage)?;
    edit(
        session,
        scope,
        &to_edit(domains),
        &format!("{doing} {}", words.join(", ")),
    )
    .await
}

async fn edit(session: &Session, scope: Scope, edit: &DomainEdit, doing: &str) -> Outcome {
    match scope {
        Scope::App(app) => {
            session.app(&app).await?;
            let use_cases = changing(session).await?;
            session.terminal().section(doing);
            let outcome = use_cases.operations.edit_domains(&app, edit).await;
            finish(session, &use_cases, outcome).await
        }
        Scope::Global => {
            refuse_wildcards(edit)?;
            session.terminal().section(doing);
            edit_globally(session, edit).await
        }
    }
}

/// Apps are found one label below a global domain: below a wildcard none would be.
fn refuse_wildcards(edit: &DomainEdit) -> Result<(), CommandError> {
    let (DomainEdit::Add(domains) | DomainEdit::Set(domains)) = edit else {
        return Ok(());
    };
    let Some(wildcard) = domains.iter().find(|domain| domain.is_wildcard()) else {
        return Ok(());
    };
    let parent = wildcard.as_str().trim_start_matches("*.");
    let error = CommandError::usage(format!(
        "`{wildcard}` cannot be a global domain: each app has its name below it"
    ));
    Err(error.hint(format!("psctl {} --global {parent}", edit.verb())))
}

/// Apps without domains of their own get their files anew.
async fn edit_globally(session: &Session, edit: &DomainEdit) -> Outcome {
    let before = session.global().await?.domains;
    let domains = edit.applied_to(&before);
    if domains == before {
        return Ok(ExitStatus::Done);
    }
    let apps = session.apps().await?.into_iter();
    let touched = apps.filter(|app| app.routed.is_some() && app.domains.is_empty());
    let touched: Vec<AppName> = touched.map(|app| app.name).collect();
    let scope = Scope::Global;
    let change = StoreChange::SetDomains { scope, domains };
    record_for_all(edit.verb(), edit.summary(), change, &touched, session).await
}

pub(super) async fn report(arguments: &TrafficReport, session: &Session) -> Outcome {
    let (terminal, global) = (session.terminal(), session.global().await?);
    if arguments.global && arguments.format == Format::Stdout {
        let rows_of = global_domain_rows(&global, &session.host().name());
        if let Some(flag) = &arguments.info_flag {
            return print_value(flag, None, &rows_of, session);
        }
        terminal.header("global domains information");
        terminal.data(&rows(&rows_of));
        return Ok(ExitStatus::Done);
    }
    let apps = match &arguments.app {
        _ if arguments.global => Vec::new(),
        Some(app) => vec![session.app(app).await?],
        None => session.apps().await?,
    };
    let traffic = looking(session).await?.operations.traffic(apps).await?;
    if arguments.format == Format::Json {
        terminal.json(&DomainsView::new(&traffic, &global).document());
        return Ok(ExitStatus::Done);
    }
    for app in &traffic {
        let rows_of = domain_rows(app, &global);
        let name = &app.record.name;
        if let Some(flag) = &arguments.info_flag {
            let title = Some(name.as_str()).filter(|_| arguments.app.is_none());
            print_value(flag, title, &rows_of, session)?;
            continue;
        }
        terminal.header(&format!("{name} domains information"));
        terminal.data(&rows(&rows_of));
    }
    Ok(ExitStatus::Done)
}
