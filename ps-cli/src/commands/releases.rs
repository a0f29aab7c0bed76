//! `ps:rollback` and `releases`.

use super::Outcome;
use super::use_cases::{changing, finish, looking};
use crate::arguments::{Format, PsRollback, Releases};
use crate::exit_status::ExitStatus;
use crate::rendering::releases::{ReleasesView, table, title};
use crate::wiring::Session;

pub(super) async fn rollback(arguments: &PsRollback, session: &Session) -> Outcome {
    let app = &arguments.app;
    let use_cases = changing(session).await?;
    let outcome = use_cases.operations.rollback(app, arguments.release).await;
    let done = outcome.as_ref().ok().filter(|outcome| outcome.notice.is_none());
    let done = done.and_then(|outcome| outcome.release);
    let status = finish(session, &use_cases, outcome).await?;
    if let Some(release) = done {
        session.terminal().section(&format!("{app} {release} is deployed"));
    }
    Ok(status)
}

pub(super) async fn list(arguments: &Releases, session: &Session) -> Outcome {
    session.app(&arguments.app).await?;
    let use_cases = looking(session).await?;
    let list = use_cases.operations.releases(&arguments.app).await?;
    let terminal = session.terminal();
    terminal.spare(list.releases.iter().filter_map(|listed| listed.release.by.as_deref()));
    if arguments.format == Format::Json {
        terminal.json(&ReleasesView::new(&list).document());
        return Ok(ExitStatus::Done);
    }
    if list.releases.is_empty() {
        terminal.warn(&format!("{} has no releases yet", list.app));
        return Ok(ExitStatus::Done);
    }
    terminal.header(&title(&list));
    let mut lines = table(&list, session.clock().now()).into_iter();
    if let Some(first) = lines.next() {
        terminal.header_line(&first);
    }
    lines.for_each(|line| terminal.data(&line));
    Ok(ExitStatus::Done)
}
