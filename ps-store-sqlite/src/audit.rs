//! The audit trail: adding an entry waits for no disk, and only the newest entries are kept.

use ps_core::audit::{AuditEntry, AuditOutcome, NumberedAuditEntry};
use ps_core::names::AppName;
use rusqlite::{Connection, params};

use crate::classify_error::Failure;
use crate::columns::{parse, read_number, read_time, store_number, store_time};
use crate::records::{each, text};

/// Entries kept, of all apps together.
pub(crate) const KEPT: i64 = 50_000;

/// Adds an entry, and lets go of the oldest where there are too many.
pub(crate) fn add(tx: &Connection, entry: &AuditEntry) -> Result<(), Failure> {
    let sql = "INSERT INTO audit (at, app, verb, made_by, outcome, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.prepare_cached(sql)?.execute(params![
        store_time(entry.at)?,
        entry.app.as_ref().map(AppName::as_str),
        entry.verb,
        entry.by,
        entry.outcome.to_string(),
        entry.text,
    ])?;
    let sql = "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1";
    tx.prepare_cached(sql)?.execute([KEPT])?;
    Ok(())
}

/// The newest entries above a number, oldest first.
pub(crate) fn newest(
    tx: &Connection,
    app: Option<&AppName>,
    after: u64,
    limit: usize,
) -> Result<Vec<NumberedAuditEntry>, Failure> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = store_number("an entry's number", after)?;
    let mut entries = Vec::new();
    let sql = "SELECT id, at, app, verb, made_by, outcome, text FROM audit \
               WHERE id > ?1 AND (?2 IS NULL OR app = ?2) ORDER BY id DESC LIMIT ?3";
    each(tx, sql, params![after, app.map(AppName::as_str), limit], |row| {
        let app: Option<String> = row.get(2)?;
        let entry = AuditEntry {
            at: read_time(row.get(1)?),
            app: app.map(|app| parse("an app's name", &app)).transpose()?,
            verb: row.get(3)?,
            by: row.get(4)?,
            outcome: match text(row, 5)? {
                "done" => AuditOutcome::Done,
                "failed" => AuditOutcome::Failed,
                _ => AuditOutcome::Noticed,
            },
            text: row.get(6)?,
        };
        let number = read_number("an entry's number", row.get(0)?)?;
        entries.push(NumberedAuditEntry { number, entry });
        Ok(())
    })?;
    entries.reverse();
    Ok(entries)
}
