//! One value of a report instead of all of it: `--running`, `--checks-skipped-list`. Invariant: a flag that no row has is a usage
//! error that lists those which exist.

use super::Outcome;
use crate::command_error::CommandError;
use crate::exit_status::ExitStatus;
use crate::rendering::report::Row;
use crate::wiring::Session;

/// Prints the value of the row with this flag, behind a title where there are several reports.
pub(super) fn print_value(flag: &str, title: Option<&str>, rows: &[Row], session: &Session) -> Outcome {
    let Some(row) = rows.iter().find(|row| row.flag == flag) else {
        let mut flags: Vec<&str> = rows.iter().map(|row| row.flag.as_str()).collect();
        flags.sort_unstable();
        let error = CommandError::usage(format!("`{flag}` is no info flag of this report"));
        return Err(error.hint(format!("info flags are {}", flags.join(", "))));
    };
    let value = match title {
        Some(title) => format!("{title}: {}", row.value),
        None => row.value.clone(),
    };
    session.terminal().data(&value);
    Ok(ExitStatus::Done)
}
