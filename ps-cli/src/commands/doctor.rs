//! `doctor`.

use ps_core::diagnosis::{Severity, diagnose};

use super::Outcome;
use crate::arguments::{Doctor, Format};
use crate::exit_status::ExitStatus;
use crate::rendering::doctor::{DoctorView, lines, summary};
use crate::wiring::{Session, examine};

pub(super) async fn doctor(arguments: &Doctor, session: &Session) -> Outcome {
    let findings = diagnose(&examine(session).await?);
    let terminal = session.terminal();
    let is_wrong = findings.iter().any(|finding| finding.severity == Severity::Wrong);
    if arguments.format == Format::Json {
        terminal.json(&DoctorView::new(&findings).document());
    } else {
        terminal.header("psctl doctor");
        let shown = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Wrong || !terminal.is_quiet());
        for line in shown.flat_map(lines) {
            terminal.data(&line);
        }
        terminal.header(&summary(&findings));
    }
    Ok(if is_wrong { ExitStatus::Failed } else { ExitStatus::Done })
}
