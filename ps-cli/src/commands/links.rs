//! `links:add`, `links:remove` and `links:list`.

use super::Outcome;
use super::use_cases::{changing, finish, looking};
use crate::arguments::{ChangeLink, Format, LinksList};
use crate::exit_status::ExitStatus;
use crate::rendering::links::{LinksView, table};
use crate::wiring::Session;

pub(super) async fn add(arguments: &ChangeLink, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?;
    let link = &arguments.link.link;
    if app.links.contains(link) {
        session.terminal().step("Nothing changes");
        return Ok(ExitStatus::Done);
    }
    let use_cases = changing(session).await?;
    let restart = !arguments.no_restart;
    let outcome = use_cases.operations.add_link(&app.name, link, restart).await;
    finish(session, &use_cases, outcome).await
}

pub(super) async fn remove(arguments: &ChangeLink, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?.name;
    let use_cases = changing(session).await?;
    let word = &arguments.link;
    let alias = Some(word.link.alias.as_str()).filter(|_| word.has_alias);
    let restart = !arguments.no_restart;
    let removed = use_cases
        .operations
        .remove_link(&app, &word.link.container, alias, restart);
    let outcome = removed.await;
    finish(session, &use_cases, outcome).await
}

pub(super) async fn list(arguments: &LinksList, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?.name;
    let use_cases = looking(session).await?;
    let listed = use_cases.operations.links(&app).await?;
    let terminal = session.terminal();
    if arguments.format == Format::Json {
        terminal.json(&LinksView::new(&app, &listed).document());
        return Ok(ExitStatus::Done);
    }
    if listed.is_empty() {
        terminal.warn(&format!("{app} has no links"));
        return Ok(ExitStatus::Done);
    }
    terminal.header(&format!("{app} links"));
    let mut lines = table(&listed).into_iter();
    if let Some(titles) = lines.next() {
        terminal.header_line(&titles);
    }
    lines.for_each(|line| terminal.data(&line));
    Ok(ExitStatus::Done)
}
