//! The `ports` namespace.

use super::Outcome;
use super::use_cases::{changing, finish};
use crate::arguments::{OneApp, PortsPublish, PortsReport};
use crate::exit_status::ExitStatus;
use crate::rendering::report::{Row, rows};
use crate::wiring::Session;

pub(super) async fn publish(arguments: &PortsPublish, session: &Session) -> Outcome {
    let (app, port) = (session.app(&arguments.app).await?.name, arguments.port);
    let use_cases = changing(session).await?;
    session
        .terminal()
        .section(&format!("Publishing web of {app} on port {port}"));
    let outcome = use_cases.operations.publish_port(&app, Some(port)).await;
    finish(session, &use_cases, outcome).await
}

pub(super) async fn unpublish(arguments: &OneApp, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?.name;
    let use_cases = changing(session).await?;
    session.terminal().section(&format!("Taking the port of {app} away"));
    let outcome = use_cases.operations.publish_port(&app, None).await;
    finish(session, &use_cases, outcome).await
}

pub(super) async fn report(arguments: &PortsReport, session: &Session) -> Outcome {
    let apps = match &arguments.app {
        Some(app) => vec![session.app(app).await?],
        None => session.apps().await?,
    };
    let terminal = session.terminal();
    for app in apps {
        terminal.header(&format!("{} ports information", app.name));
        let port = app.published_port.map(|port| port.to_string()).unwrap_or_default();
        terminal.data(&rows(&[Row::new("--ports-published", port)]));
    }
    Ok(ExitStatus::Done)
}
