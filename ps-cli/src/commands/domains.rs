//! The `domains` namespace.

use ps_core::domains::Domain;
use ps_core::operations::DomainEdit;
use ps_core::store::Scope;

use super::Outcome;
use super::report_value::print_value;
use super::use_cases::{changing, each, finish, looking};
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
    let use_cases = match &scope {
        Scope::App(app) => {
            session.app(app).await?;
            changing(session).await?
        }
        Scope::Global => changing(session).await?,
    };
    session.terminal().section(doing);
    match scope {
        Scope::App(app) => {
            let outcome = use_cases.operations.edit_domains(&app, edit).await;
            finish(session, &use_cases, outcome).await
        }
        Scope::Global => {
            let results = use_cases.operations.edit_global_domains(edit).await?;
            each(session, &use_cases, results, "domains").await
        }
    }
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
