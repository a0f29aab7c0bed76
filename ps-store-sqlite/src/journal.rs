//! The journal: lines that explain what a command did. Adding one waits for no disk, and each app keeps only the newest.

use ps_core::names::AppName;
use ps_core::store::{JournalEntry, JournalState};
use rusqlite::{Connection, params};

use crate::classify_error::Failure;
use crate::columns::{parse, read_number, read_time, store_number, store_time};
use crate::records::{each, text};

/// Lines kept of an app.
pub(crate) const KEPT: u32 = 1000;

/// Adds a line, and lets go of the oldest where there are too many.
pub(crate) fn add(tx: &Connection, entry: &JournalEntry) -> Result<(), Failure> {
    let (state, reason) = match &entry.state {
        JournalState::Started => ("started", None),
        JournalState::Done => ("done", None),
        JournalState::Failed(reason) => ("failed", Some(reason.as_str())),
    };
    let sql = "INSERT INTO journal (app, verb, step, text, state, reason, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    tx.prepare_cached(sql)?.execute(params![
        entry.app.as_str(),
        entry.verb,
        store_number("a step's number", entry.step)?,
        entry.text,
        state,
        reason,
        store_time(entry.at)?,
    ])?;
    let sql = "DELETE FROM journal WHERE app = ?1 AND id <= \
               (SELECT id FROM journal WHERE app = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    tx.prepare_cached(sql)?.execute(params![entry.app.as_str(), KEPT])?;
    Ok(())
}

/// The newest lines of an app, oldest first.
pub(crate) fn newest(tx: &Connection, app: &AppName, limit: usize) -> Result<Vec<JournalEntry>, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut entries = Vec::new();
    let sql = "SELECT app, verb, step, text, state, reason, at FROM journal WHERE app = ?1 ORDER BY id DESC LIMIT ?2";
    each(tx, sql, params![app.as_str(), limit], |row| {
        entries.push(JournalEntry {
            app: parse("an app's name", text(row, 0)?)?,
            verb: row.get(1)?,
            step: read_number("a step's number", row.get(2)?)?,
            text: row.get(3)?,
            state: match text(row, 4)? {
                "started" => JournalState::Started,
                "done" => JournalState::Done,
                _ => JournalState::Failed(row.get::<_, Option<String>>(5)?.unwrap_or_default()),
            },
            at: read_time(row.get(6)?),
        });
        Ok(())
    })?;
    entries.reverse();
    Ok(entries)
}
