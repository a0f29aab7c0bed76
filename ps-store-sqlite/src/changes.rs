//! Making changes. Everything here runs inside the caller's transaction: an error leaves nothing of any of them.

use ps_core::app::{AppRecord, Retirement, Serving};
use ps_core::config::Config;
use ps_core::formation::Formation;
use ps_core::names::{AppName, Generation, Replica};
use ps_core::release::{Release, ReleaseNumber};
use ps_core::store::{Scope, StoreChange};
use rusqlite::{Connection, OptionalExtension, Params, params};

use crate::classify_error::Failure;
use crate::columns::{
    store_check_mode, store_duration, store_image, store_number, store_processes, store_source, store_time,
};
use crate::manifest_column::store_manifest;
use crate::traffic;

/// Makes one change.
pub(crate) fn apply(tx: &Connection, change: &StoreChange) -> Result<(), Failure> {
    match change {
        StoreChange::CreateApp(name) => create_app(tx, name),
        StoreChange::DestroyApp(app) => destroy_app(tx, app),
        StoreChange::RenameApp { app, to } => rename_app(tx, app, to),
        StoreChange::SetProperty { scope, property, value } => {
            set_property(tx, scope, property.name(), value.as_deref())
        }
        StoreChange::SetConfig { scope, config } => set_config(tx, scope, config),
        StoreChange::SetFormation { app, formation } => set_formation(tx, app_id(tx, app)?, formation),
        StoreChange::SetCheckMode {
            app,
            process_type,
            mode,
        } => set_check_mode(tx, app_id(tx, app)?, process_type.as_str(), store_check_mode(*mode)),
        StoreChange::SetSource { app, source } => {
            let (kind, location, detail) = store_source(source);
            let sql = "UPDATE apps SET source_kind = ?2, source_location = ?3, source_detail = ?4 WHERE id = ?1";
            run(tx, sql, params![app_id(tx, app)?, kind, location, detail])
        }
        StoreChange::MarkStopped { app, stopped } => {
            let sql = "UPDATE apps SET stopped = ?2 WHERE id = ?1";
            run(tx, sql, params![app_id(tx, app)?, stopped])
        }
        StoreChange::UseGenerations { app, next } => use_generations(tx, app_id(tx, app)?, *next),
        StoreChange::UseReleaseNumbers { app, next } => use_release_numbers(tx, app_id(tx, app)?, *next),
        StoreChange::RecordRelease { app, release } => record_release(tx, app, release),
        StoreChange::ExpireRelease { app, release } => expire_release(tx, app_id(tx, app)?, *release),
        StoreChange::ExpectImage { app, number } => {
            let sql = "INSERT OR IGNORE INTO images (app_id, number) VALUES (?1, ?2)";
            run(tx, sql, params![app_id(tx, app)?, number.0])
        }
        StoreChange::ForgetImage { app, number } => {
            let sql = "DELETE FROM images WHERE app_id = ?1 AND number = ?2";
            run(tx, sql, params![app_id(tx, app)?, number.0])
        }
        StoreChange::Serve { app, replica, serving } => serve(tx, app_id(tx, app)?, replica, serving),
        StoreChange::StopServing { app, replica } => {
            let sql = "DELETE FROM serving WHERE app_id = ?1 AND replica = ?2";
            run(tx, sql, params![app_id(tx, app)?, replica.to_string()])
        }
        StoreChange::AddRetirement { app, retirement } => add_retirement(tx, app_id(tx, app)?, retirement),
        StoreChange::FinishRetirement { app, container } => {
            let sql = "DELETE FROM retirements WHERE app_id = ?1 AND container = ?2";
            run(tx, sql, params![app_id(tx, app)?, container.0])
        }
        StoreChange::ReleaseEndpoint { app, generation } => {
            // What the proxy may still name is nobody else's.
            let sql = "DELETE FROM endpoints WHERE app_id = ?1 AND generation = ?2 AND NOT EXISTS \
                       (SELECT 1 FROM apps WHERE id = ?1 AND ' ' || routed || ' ' LIKE '% ' || ?2 || ' %')";
            run(tx, sql, params![app_id(tx, app)?, store_generation(*generation)?])
        }
        StoreChange::SetQuarantine { .. }
        | StoreChange::RecordCrash { .. }
        | StoreChange::ForgetCrashes { .. }
        | StoreChange::SetDomains { .. }
        | StoreChange::SetLinks { .. }
        | StoreChange::PublishPort { .. }
        | StoreChange::SetRouted { .. } => traffic::apply(tx, change),
    }
}

/// The row of an app.
pub(crate) fn app_id(tx: &Connection, app: &AppName) -> Result<i64, Failure> {
    find_app(tx, app)?.ok_or_else(|| Failure::NoSuchApp(app.clone()))
}

fn find_app(tx: &Connection, app: &AppName) -> Result<Option<i64>, Failure> {
    let mut statement = tx.prepare_cached("SELECT id FROM apps WHERE name = ?1")?;
    Ok(statement.query_row([app.as_str()], |row| row.get(0)).optional()?)
}

/// Runs a statement.
pub(crate) fn run(tx: &Connection, sql: &str, params: impl Params) -> Result<(), Failure> {
    tx.prepare_cached(sql)?.execute(params)?;
    Ok(())
}

/// A generation as it is kept.
pub(crate) fn store_generation(generation: Generation) -> Result<i64, Failure> {
    store_number("a generation", generation.0)
}

fn create_app(tx: &Connection, name: &AppName) -> Result<(), Failure> {
    if find_app(tx, name)?.is_some() {
        return Err(Failure::AppExists(name.clone()));
    }
    let app = AppRecord::new(name.clone());
    run(
        tx,
        "INSERT INTO apps (name, next_generation, next_release) VALUES (?1, ?2, ?3)",
        params![
            name.as_str(),
            store_generation(app.next_generation)?,
            app.next_release.0
        ],
    )?;
    set_formation(tx, tx.last_insert_rowid(), &app.formation)
}

fn destroy_app(tx: &Connection, app: &AppName) -> Result<(), Failure> {
    run(tx, "DELETE FROM apps WHERE id = ?1", [app_id(tx, app)?])?;
    run(tx, "DELETE FROM journal WHERE app = ?1", [app.as_str()])
}

fn rename_app(tx: &Connection, app: &AppName, to: &AppName) -> Result<(), Failure> {
    let id = app_id(tx, app)?;
    if find_app(tx, to)?.is_some() {
        return Err(Failure::AppExists(to.clone()));
    }
    run(tx, "UPDATE apps SET name = ?2 WHERE id = ?1", params![id, to.as_str()])?;
    let sql = "UPDATE journal SET app = ?2 WHERE app = ?1";
    run(tx, sql, [app.as_str(), to.as_str()])
}

fn set_property(tx: &Connection, scope: &Scope, property: &str, value: Option<&str>) -> Result<(), Failure> {
    match (scope, value) {
        (Scope::Global, Some(value)) => run(
            tx,
            "INSERT OR REPLACE INTO global_properties (property, value) VALUES (?1, ?2)",
            [property, value],
        ),
        (Scope::Global, None) => run(tx, "DELETE FROM global_properties WHERE property = ?1", [property]),
        (Scope::App(app), Some(value)) => run(
            tx,
            "INSERT OR REPLACE INTO app_properties (app_id, property, value) VALUES (?1, ?2, ?3)",
            params![app_id(tx, app)?, property, value],
        ),
        (Scope::App(app), None) => run(
            tx,
            "DELETE FROM app_properties WHERE app_id = ?1 AND property = ?2",
            params![app_id(tx, app)?, property],
        ),
    }
}

fn set_config(tx: &Connection, scope: &Scope, config: &Config) -> Result<(), Failure> {
    match scope {
        Scope::Global => {
            run(tx, "DELETE FROM global_config", [])?;
            for (name, value) in config.iter() {
                let sql = "INSERT INTO global_config (name, value) VALUES (?1, ?2)";
                run(tx, sql, [name, value])?;
            }
        }
        Scope::App(app) => {
            let id = app_id(tx, app)?;
            run(tx, "DELETE FROM app_config WHERE app_id = ?1", [id])?;
            for (name, value) in config.iter() {
                let sql = "INSERT INTO app_config (app_id, name, value) VALUES (?1, ?2, ?3)";
                run(tx, sql, params![id, name, value])?;
            }
        }
    }
    Ok(())
}

fn set_formation(tx: &Connection, id: i64, formation: &Formation) -> Result<(), Failure> {
    run(tx, "DELETE FROM formation WHERE app_id = ?1", [id])?;
    for (process_type, quantity) in formation.iter() {
        let sql = "INSERT INTO formation (app_id, process_type, quantity) VALUES (?1, ?2, ?3)";
        run(tx, sql, params![id, process_type.as_str(), quantity])?;
    }
    Ok(())
}

fn set_check_mode(tx: &Connection, id: i64, process_type: &str, mode: Option<&str>) -> Result<(), Failure> {
    match mode {
        Some(mode) => run(
            tx,
            "INSERT OR REPLACE INTO check_modes (app_id, process_type, mode) VALUES (?1, ?2, ?3)",
            params![id, process_type, mode],
        ),
        None => run(
            tx,
            "DELETE FROM check_modes WHERE app_id = ?1 AND process_type = ?2",
            params![id, process_type],
        ),
    }
}

/// Never lowers the number.
fn use_generations(tx: &Connection, id: i64, next: Generation) -> Result<(), Failure> {
    let sql = "UPDATE apps SET next_generation = max(next_generation, ?2) WHERE id = ?1";
    run(tx, sql, params![id, store_generation(next)?])
}

/// Never lowers the number.
fn use_release_numbers(tx: &Connection, id: i64, next: ReleaseNumber) -> Result<(), Failure> {
    let sql = "UPDATE apps SET next_release = max(next_release, ?2) WHERE id = ?1";
    run(tx, sql, params![id, next.0])
}

fn record_release(tx: &Connection, app: &AppName, release: &Release) -> Result<(), Failure> {
    let id = app_id(tx, app)?;
    let number = release.number;
    let sql = "SELECT 1 FROM releases WHERE app_id = ?1 AND number = ?2";
    if tx.prepare_cached(sql)?.exists(params![id, number.0])? {
        return Err(Failure::ReleaseExists {
            app: app.clone(),
            number,
        });
    }
    let (source_kind, source_location, source_detail) = store_source(&release.source);
    run(
        tx,
        "INSERT INTO releases (app_id, number, image_id, image_name, image_detail, processes, source_kind, \
         source_location, cause, created_at, manifest, made_by, source_detail, revision, served) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0)",
        params![
            id,
            number.0,
            release.image.id.0,
            release.image.name,
            store_image(&release.image.detail)?,
            store_processes(&release.processes)?,
            source_kind,
            source_location,
            release.cause,
            store_time(release.created_at)?,
            store_manifest(&release.manifest)?,
            release.by,
            source_detail,
            release.revision,
        ],
    )?;
    for (name, value) in release.config.iter() {
        let sql = "INSERT INTO release_config (app_id, number, name, value) VALUES (?1, ?2, ?3, ?4)";
        run(tx, sql, params![id, number.0, name, value])?;
    }
    let sql = "UPDATE apps SET current_release = ?2 WHERE id = ?1";
    run(tx, sql, params![id, number.0])?;
    use_release_numbers(tx, id, number.next())
}

/// The current one stays: what runs could not be repeated without it.
fn expire_release(tx: &Connection, id: i64, number: ReleaseNumber) -> Result<(), Failure> {
    let sql = "UPDATE releases SET kept = 0 WHERE app_id = ?1 AND number = ?2 \
               AND number IS NOT (SELECT current_release FROM apps WHERE id = ?1)";
    run(tx, sql, params![id, number.0])?;
    let sql = "DELETE FROM release_config WHERE app_id = ?1 AND number = ?2 \
               AND number IN (SELECT number FROM releases WHERE app_id = ?1 AND kept = 0)";
    run(tx, sql, params![id, number.0])
}

fn serve(tx: &Connection, id: i64, replica: &Replica, serving: &Serving) -> Result<(), Failure> {
    run(
        tx,
        "INSERT OR REPLACE INTO serving (app_id, replica, container, generation, release, endpoint) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            id,
            replica.to_string(),
            serving.container.0,
            store_generation(serving.generation)?,
            serving.release.0,
            serving.endpoint.map(|endpoint| endpoint.to_string()),
        ],
    )?;
    let sql = "UPDATE releases SET served = 1 WHERE app_id = ?1 AND number = ?2";
    run(tx, sql, params![id, serving.release.0])?;
    use_generations(tx, id, serving.generation.after(1))
}

/// One that is there already keeps its place.
fn add_retirement(tx: &Connection, id: i64, retirement: &Retirement) -> Result<(), Failure> {
    run(
        tx,
        "INSERT INTO retirements (app_id, container, replica, generation, due, stop_timeout) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (app_id, container) DO UPDATE SET replica = excluded.replica, \
         generation = excluded.generation, due = excluded.due, stop_timeout = excluded.stop_timeout",
        params![
            id,
            retirement.container.0,
            retirement.replica.to_string(),
            store_generation(retirement.generation)?,
            store_time(retirement.due)?,
            store_duration(retirement.stop_timeout)?,
        ],
    )
}
