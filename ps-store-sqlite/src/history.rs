//! Reading an app's releases as lines of its history. Invariant: no environment is read.

use ps_core::names::AppName;
use ps_core::release::ReleaseNumber;
use ps_core::release_history::{PastRelease, ReleaseHistory};
use ps_core::runtime::ImageId;
use rusqlite::{Connection, Row};

use crate::changes::app_id;
use crate::classify_error::Failure;
use crate::columns::{read_source, read_time};
use crate::records::{each, text};

/// All releases of an app, and its images.
pub(crate) fn history(tx: &Connection, app: &AppName) -> Result<ReleaseHistory, Failure> {
    let id = app_id(tx, app)?;
    let mut history = ReleaseHistory::default();
    let sql = "SELECT number, image_id, source_kind, source_location, cause, made_by, created_at, served, kept, \
               source_detail, revision \
               FROM releases WHERE app_id = ?1 ORDER BY number";
    each(tx, sql, [id], |row| {
        history.releases.push(read_past(row)?);
        Ok(())
    })?;
    each(tx, "SELECT number FROM images WHERE app_id = ?1", [id], |row| {
        history.images.insert(ReleaseNumber(row.get(0)?));
        Ok(())
    })?;
    Ok(history)
}

fn read_past(row: &Row<'_>) -> Result<PastRelease, Failure> {
    Ok(PastRelease {
        number: ReleaseNumber(row.get(0)?),
        image: ImageId(row.get(1)?),
        source: read_source(text(row, 2)?, row.get(3)?, row.get(9)?)?,
        revision: row.get(10)?,
        cause: row.get(4)?,
        by: row.get(5)?,
        created_at: read_time(row.get(6)?),
        has_served: row.get(7)?,
        is_kept: row.get(8)?,
    })
}
