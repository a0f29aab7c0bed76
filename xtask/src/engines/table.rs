//! The engines as a table for a person.

use crate::engines::daemon::answers;
use crate::engines::record::{EngineRecord, Origin};

/// One line for each engine, with what is true of it now.
pub(crate) fn status_table(records: &[EngineRecord]) -> String {
    let heading = ["ENGINE", "STATE", "VERSION", "ORIGIN", "USER", "PID", "SOCKET"].map(str::to_owned);
    let mut rows = vec![heading];
    rows.extend(records.iter().map(|record| row(record, answers(&record.socket))));
    lay_out(&rows)
}

fn row(record: &EngineRecord, answering: bool) -> [String; 7] {
    let (origin, pid) = match &record.origin {
        Origin::Started(process) => ("ours", process.pid.to_string()),
        Origin::Found => ("found", "-".to_owned()),
    };
    let path = record.socket.display();
    let socket = match record.netns_pid {
        Some(pid) => format!("{path} (container addresses: nsenter --net=/proc/{pid}/ns/net)"),
        None => path.to_string(),
    };
    let state = if answering { "answers" } else { "silent" };
    [
        record.name.as_str(),
        state,
        &record.version,
        origin,
        &record.user,
        &pid,
        &socket,
    ]
    .map(str::to_owned)
}

fn lay_out(rows: &[[String; 7]]) -> String {
    let mut widths = [0; 7];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::name::EngineName;

    #[test]
    fn a_silent_engine_shows_as_silent() {
        let record = EngineRecord {
            name: EngineName::Docker,
            socket: "/nowhere.sock".into(),
            version: "20.10".into(),
            origin: Origin::Found,
            user: "root".into(),
            netns_pid: None,
        };
        let table = status_table(&[record]);
        let line = table.lines().nth(1).unwrap();
        assert_eq!(line, "docker  silent  20.10    found   root  -    /nowhere.sock");
    }
}
