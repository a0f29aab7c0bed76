//! `ps:scale`: shows the formation, or stores a new one. Where containers must follow, the use case of the core takes over.

use ps_core::app::AppRecord;
use ps_core::formation::{Formation, parse_scale};
use ps_core::operations::{NewFormation, new_formation};
use ps_core::store::StoreChange;

use super::Outcome;
use super::store_only::{Step, Told, apply};
use super::use_cases::{changing, finish};
use crate::arguments::{Format, PsScale};
use crate::exit_status::ExitStatus;
use crate::rendering::human;
use crate::rendering::json_view::ScaleView;
use crate::terminal::Terminal;
use crate::wiring::Session;

pub(super) async fn scale(arguments: &PsScale, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?;
    if arguments.changes.is_empty() {
        show(arguments.format, &app, session.terminal());
        return Ok(ExitStatus::Done);
    }
    let changes = parse_scale(&arguments.changes)?;
    new_formation(&app, &changes)?;
    session.terminal().step(&format!(
        "Scaling {} processes: {}",
        app.name,
        arguments.changes.join(" ")
    ));
    if needs_no_engine(arguments, &app) {
        let (_lock, app) = session.lock_existing(&arguments.app, "ps:scale").await?;
        let told = Told {
            verb: "ps:scale",
            app: Some(&app.name),
            done: format!("scaled {}, without changing containers", arguments.changes.join(" ")),
        };
        let NewFormation { formation, warning } = new_formation(&app, &changes)?;
        if let Some(text) = warning {
            session.terminal().warn(&text);
        }
        return apply(session, told, steps(&app, formation)).await;
    }
    let use_cases = changing(session).await?;
    let outcome = use_cases
        .operations
        .scale(&app.name, &changes, arguments.skip_deploy)
        .await;
    finish(session, &use_cases, outcome).await
}

/// Before the first deploy and with `--skip-deploy` a scale is only stored, and no engine has to be there.
fn needs_no_engine(arguments: &PsScale, app: &AppRecord) -> bool {
    app.release.is_none() || arguments.skip_deploy
}

fn steps(app: &AppRecord, formation: Formation) -> Vec<Step> {
    if formation == app.formation {
        return Vec::new();
    }
    vec![Step {
        text: format!("record the formation {formation}"),
        cause: Some("scaled"),
        change: StoreChange::SetFormation {
            app: app.name.clone(),
            formation,
        },
    }]
}

fn show(format: Format, app: &AppRecord, terminal: &Terminal) {
    match format {
        Format::Json => terminal.json(&ScaleView::new(app).document()),
        Format::Stdout => {
            terminal.step_header(&format!("Scaling for {}", app.name));
            terminal.header_line("proctype: qty\n--------: ---");
            for row in human::scale_rows(&app.formation) {
                terminal.data(&row);
            }
        }
    }
}
