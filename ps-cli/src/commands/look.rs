//! `ps:report`, `ps:inspect`, `ps <app>` and `logs`.

use futures_util::StreamExt;
use ps_core::names::AppName;
use ps_core::runtime::{LogOptions, OutputChannel};
use serde_json::Value;

use super::Outcome;
use super::report_value::print_value;
use super::use_cases::looking;
use crate::arguments::{Logs, PsInspect, PsReport, ReportFormat};
use crate::exit_status::ExitStatus;
use crate::rendering::line_buffer::LineBuffer;
use crate::rendering::{document, report, report_view};
use crate::wiring::Session;

pub(super) async fn report(arguments: &PsReport, session: &Session) -> Outcome {
    let terminal = session.terminal();
    if arguments.global {
        let rows = report::global_rows(&session.global().await?);
        return print_rows(arguments, "--global", &rows, session);
    }
    // An app that does not exist, and no apps at all, need no engine.
    let apps: Vec<AppName> = match &arguments.app {
        Some(app) => vec![session.app(app).await?.name],
        None => Vec::new(),
    };
    if apps.is_empty() && session.apps().await?.is_empty() {
        match arguments.format {
            ReportFormat::Json => terminal.json(&report_view::document(&[])),
            ReportFormat::Stdout | ReportFormat::Dokku => terminal.warn("there are no apps yet"),
        }
        return Ok(ExitStatus::Done);
    }
    session.apps().await?;
    let use_cases = looking(session).await?;
    let reports = use_cases.operations.report(&apps).await?;
    if arguments.format == ReportFormat::Json {
        terminal.json(&report_view::document(&reports));
        return Ok(ExitStatus::Done);
    }
    for app in &reports {
        print_rows(arguments, app.app.as_str(), &report::app_rows(app), session)?;
    }
    Ok(ExitStatus::Done)
}

fn print_rows(arguments: &PsReport, name: &str, rows: &[report::Row], session: &Session) -> Outcome {
    let terminal = session.terminal();
    if let Some(flag) = &arguments.info_flag {
        let title = Some(name).filter(|_| arguments.app.is_none() && !arguments.global);
        return print_value(flag, title, rows, session);
    }
    match arguments.format {
        ReportFormat::Dokku => terminal.json_line(&report_view::dokku(rows)),
        ReportFormat::Json => terminal.json(&report_view::global(rows)),
        ReportFormat::Stdout => {
            terminal.header(&format!("{name} ps information"));
            terminal.data(&report::rows(rows));
        }
    }
    Ok(ExitStatus::Done)
}

pub(super) async fn inspect(arguments: &PsInspect, session: &Session) -> Outcome {
    session.app(&arguments.app).await?;
    let use_cases = looking(session).await?;
    let documents = use_cases.operations.inspect(&arguments.app, arguments.all).await?;
    let documents = documents.iter().map(document::to_json).collect();
    session.terminal().json(&Value::Array(documents));
    Ok(ExitStatus::Done)
}

pub(super) async fn processes(app: &AppName, session: &Session) -> Outcome {
    session.app(app).await?;
    let use_cases = looking(session).await?;
    let lists = use_cases.operations.processes(app).await?;
    if lists.is_empty() {
        session.terminal().warn(&format!("no container of {app} runs"));
    }
    for list in lists {
        let title = format!(
            "running processes in container: {} ({})",
            list.container.short(),
            list.replica
        );
        session.terminal().step_header(&title);
        session.terminal().exempt(report::process_rows(&list.table).as_bytes());
    }
    Ok(ExitStatus::Done)
}

pub(super) async fn logs(arguments: &Logs, session: &Session) -> Outcome {
    session.app(&arguments.app).await?;
    let use_cases = looking(session).await?;
    let word = arguments.process.as_ref().map(ToString::to_string);
    let options = LogOptions {
        follow: arguments.follow,
        tail: Some(arguments.number),
    };
    let mut logs = use_cases
        .operations
        .logs(&arguments.app, word.as_deref(), options)
        .await?;
    let terminal = session.terminal();
    let mut lines = LineBuffer::default();
    loop {
        let next = tokio::select! {
            next = logs.next() => next,
            status = session.interrupt().wait() => return Ok(status),
        };
        let Some(chunk) = next else { break };
        let (replica, chunk) = chunk?;
        for line in lines.push(&replica, chunk.channel, &chunk.bytes) {
            terminal.exempt(&line);
        }
        if terminal.is_closed() {
            return Ok(ExitStatus::Done);
        }
    }
    for line in lines.rest() {
        terminal.exempt(&line);
    }
    Ok(ExitStatus::Done)
}

/// Which channel a process's output goes to here.
pub(super) fn pass_on(session: &Session, channel: OutputChannel, bytes: &[u8]) {
    match channel {
        OutputChannel::Out => session.terminal().exempt(bytes),
        OutputChannel::Err => session.terminal().exempt_error(bytes),
    }
}
