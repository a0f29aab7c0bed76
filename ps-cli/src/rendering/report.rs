//! The layout of reports: labels from flags, values in one column. Dokku's programs read it, so widths are its.

use std::error::Error;

use ps_core::app::{AppRecord, CheckMode, GlobalRecord};
use ps_core::operations::{CheckOutcome, CheckReport};
use ps_core::policies::{Property, PropertyGroup};
use ps_core::report::{AppReport, property_reports};
use ps_core::runtime::ProcessTable;

use super::report_view::running_text;

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The info flag, for example `--ps-restart-policy` or `--status-web.1`.
    pub flag: String,
    /// The value as text; empty when there is none.
    pub value: String,
}

impl Row {
    /// A row.
    pub fn new(flag: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            flag: flag.into(),
            value: value.into(),
        }
    }
}

/// The label of a flag: `Ps restart policy`, `Status web 1`.
///
/// ```
/// use ps_cli::rendering::report::label;
/// assert_eq!(label("--status-web.1"), "Status web 1");
/// ```
pub fn label(flag: &str) -> String {
    let words = flag.trim_start_matches("--").replace(['-', '.'], " ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The lines of rows, sorted by flag, without the last line end. Values start where the longest flag would end, and
/// never before the 32nd column of the table.
///
/// ```
/// use ps_cli::rendering::report::{rows, Row};
/// let text = rows(&[Row::new("--running", "true"), Row::new("--deployed", "")]);
/// assert_eq!(text, "       Deployed:\n       Running:                       true");
/// ```
pub fn rows(rows: &[Row]) -> String {
    let width = rows
        .iter()
        .map(|row| row.flag.chars().count())
        .max()
        .unwrap_or_default()
        .max(31);
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by(|left, right| left.flag.cmp(&right.flag));
    let lines = sorted.into_iter().map(|row| {
        let label = format!("{}:", label(&row.flag));
        format!("       {label:<width$}{}", row.value).trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The rows of `ps:report` for one app.
pub fn app_rows(report: &AppReport) -> Vec<Row> {
    let mut rows = vec![
        Row::new("--deployed", report.is_deployed.to_string()),
        Row::new("--processes", report.processes.to_string()),
        Row::new("--ps-can-scale", report.can_scale.to_string()),
        Row::new(
            "--quarantine",
            report
                .quarantine
                .as_ref()
                .map(|known| known.cause.clone())
                .unwrap_or_default(),
        ),
        Row::new(
            "--release",
            report.release.map(|release| release.to_string()).unwrap_or_default(),
        ),
        Row::new("--restore", report.restore.to_string()),
        Row::new("--running", running_text(report.running)),
    ];
    for (property, values) in &report.properties {
        // The restart policy's own row shows the value in force, as in Dokku.
        let own = match property {
            Property::RestartPolicy => Some(&values.computed),
            _ => values.app.as_ref(),
        };
        rows.push(Row::new(format!("--ps-{property}"), own.cloned().unwrap_or_default()));
        rows.push(Row::new(format!("--ps-computed-{property}"), values.computed.clone()));
        if property.is_global() {
            rows.push(global_row(*property, values.global.as_deref()));
        }
    }
    for (replica, one) in &report.replicas {
        let state = one
            .state
            .as_ref()
            .map_or_else(|| "missing".to_owned(), ToString::to_string);
        let id = one
            .container
            .as_ref()
            .map(|id| format!(" (CID: {})", id.short()))
            .unwrap_or_default();
        rows.push(Row::new(format!("--status-{replica}"), format!("{state}{id}")));
    }
    rows
}

/// The rows of `ps:report --global`.
pub fn global_rows(global: &GlobalRecord) -> Vec<Row> {
    let properties = PropertyGroup::Ps.properties().filter(|property| property.is_global());
    properties
        .flat_map(|property| {
            let value = global.properties.get(&property).map(String::as_str);
            let computed = value.unwrap_or(property.built_in());
            [
                Row::new(format!("--ps-computed-{property}"), computed),
                global_row(property, value),
            ]
        })
        .collect()
}

/// The global value in force.
fn global_row(property: Property, value: Option<&str>) -> Row {
    Row::new(format!("--ps-global-{property}"), value.unwrap_or(property.built_in()))
}

/// The rows of `ps <app>`: columns as wide as their widest cell, the last one as it is.
pub fn process_rows(table: &ProcessTable) -> String {
    let width = |column: usize| {
        let cells = std::iter::once(&table.titles).chain(&table.processes);
        cells
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let mut text = String::new();
    for row in std::iter::once(&table.titles).chain(&table.processes) {
        let last = row.len().saturating_sub(1);
        let cells = row.iter().enumerate().map(|(column, cell)| {
            if column == last {
                cell.clone()
            } else {
                format!("{cell:<width$}  ", width = width(column))
            }
        });
        text.push_str(&cells.collect::<String>());
        text.push('\n');
    }
    text
}

/// The rows of `checks:report`.
pub fn checks(app: &AppRecord, global: &GlobalRecord) -> Vec<Row> {
    let list = |mode| {
        let types = app.checks.iter().filter(|(_, other)| **other == mode);
        let names: Vec<&str> = types.map(|(process_type, _)| process_type.as_str()).collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(",")
        }
    };
    let mut rows = vec![
        Row::new("--checks-disabled-list", list(CheckMode::Disabled)),
        Row::new("--checks-skipped-list", list(CheckMode::Skipped)),
    ];
    for (property, values) in property_reports(PropertyGroup::Checks, app, global) {
        let in_force = values.global.as_deref().unwrap_or(property.built_in());
        rows.extend([
            Row::new(format!("--checks-{property}"), values.app.unwrap_or_default()),
            Row::new(format!("--checks-computed-{property}"), values.computed),
            Row::new(format!("--checks-global-{property}"), in_force),
        ]);
    }
    rows
}

/// The rows of `checks:run`: one a check.
pub fn checked(reports: &[CheckReport]) -> String {
    let lines = reports.iter().map(|report| {
        let CheckReport { replica, check, .. } = report;
        let outcome = match reason(report) {
            None => "passed".to_owned(),
            Some(reason) if report.is_failure() => format!("failed, {reason}"),
            Some(reason) => format!("warning, {reason}"),
        };
        format!("       {replica}: {}: {outcome}", check.label())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Why a check did not pass, with its causes.
pub(super) fn reason(report: &CheckReport) -> Option<String> {
    let failed: &dyn Error = match &report.outcome {
        CheckOutcome::Passed => return None,
        CheckOutcome::Warned(text) => return Some(text.clone()),
        CheckOutcome::Failed(not_ready) => not_ready,
    };
    // The check itself stands beside it.
    let mut error = failed.source().unwrap_or(failed);
    let mut text = error.to_string();
    while let Some(cause) = error.source() {
        text = format!("{text}: {cause}");
        error = cause;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_start_in_one_column_as_in_the_documented_report() {
        let text = rows(&[
            Row::new("--status-web.1", "running (CID: 7ce0cb8a1f2)"),
            Row::new("--ps-computed-stop-timeout-seconds", "30"),
            Row::new("--deployed", "true"),
        ]);
        let expected = "       Deployed:                         true
       Ps computed stop timeout seconds: 30
       Status web 1:                     running (CID: 7ce0cb8a1f2)";
        assert_eq!(text, expected);
    }
}
