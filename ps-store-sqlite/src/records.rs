//! Reading apps, settings and releases: one statement a table for any number of apps, inside one transaction.

use std::collections::BTreeMap;

use ps_core::app::{AppRecord, GlobalRecord, Retirement, Serving};
use ps_core::config::Config;
use ps_core::domains::Domain;
use ps_core::formation::Formation;
use ps_core::links::Link;
use ps_core::names::{AppName, Generation, ProcessType};
use ps_core::policies::{Properties, Property};
use ps_core::release::{Release, ReleaseImage, ReleaseNumber};
use ps_core::runtime::{ContainerId, ImageId};
use rusqlite::{Connection, Params, Row};

use crate::changes::app_id;
use crate::classify_error::Failure;
use crate::columns::{
    parse, read_check_mode, read_duration, read_endpoint, read_image, read_number, read_processes, read_source,
    read_time,
};
use crate::manifest_column::read_manifest;
use crate::traffic;

type ById = BTreeMap<i64, AppRecord>;

/// What is set for all apps.
pub(crate) fn global(tx: &Connection) -> Result<GlobalRecord, Failure> {
    let mut record = GlobalRecord::default();
    each(tx, "SELECT property, value FROM global_properties", [], |row| {
        set_property(&mut record.properties, row, 0)
    })?;
    each(tx, "SELECT name, value FROM global_config", [], |row| {
        set_variable(&mut record.config, row, 0)
    })?;
    record.domains = traffic::global_domains(tx)?;
    Ok(record)
}

/// All apps, sorted by name.
pub(crate) fn apps(tx: &Connection) -> Result<Vec<AppRecord>, Failure> {
    let mut apps: Vec<AppRecord> = read_apps(tx, None)?.into_values().collect();
    apps.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(apps)
}

/// One app.
pub(crate) fn app(tx: &Connection, name: &AppName) -> Result<AppRecord, Failure> {
    let id = app_id(tx, name)?;
    let found = read_apps(tx, Some(id))?.remove(&id);
    found.ok_or_else(|| Failure::NoSuchApp(name.clone()))
}

/// One release; `None` also when there is no such app, and when it has expired.
pub(crate) fn release(tx: &Connection, name: &AppName, number: ReleaseNumber) -> Result<Option<Release>, Failure> {
    let mut found = None;
    let sql = "SELECT r.app_id, r.number, image_id, image_name, image_detail, processes, r.source_kind, \
               r.source_location, cause, created_at, manifest, made_by, r.source_detail, revision \
               FROM releases r JOIN apps a ON a.id = r.app_id \
               WHERE a.name = ?1 AND r.number = ?2 AND r.kept";
    each(tx, sql, (name.as_str(), number.0), |row| {
        found = Some(read_release(row)?);
        Ok(())
    })?;
    let Some(mut release) = found else {
        return Ok(None);
    };
    let sql = "SELECT c.name, c.value FROM release_config c JOIN apps a ON a.id = c.app_id \
               WHERE a.name = ?1 AND c.number = ?2";
    each(tx, sql, (name.as_str(), number.0), |row| {
        set_variable(&mut release.config, row, 0)
    })?;
    Ok(Some(release))
}

fn read_apps(tx: &Connection, only: Option<i64>) -> Result<ById, Failure> {
    let mut apps = ById::new();
    let sql = "SELECT id, name, stopped, next_generation, next_release, source_kind, source_location, \
               source_detail, routed, published_port, quarantine_cause, quarantine_since FROM apps";
    each_of(tx, sql, "id", only, |row| {
        apps.insert(row.get(0)?, read_app(row)?);
        Ok(())
    })?;
    read_settings(tx, only, &mut apps)?;
    read_releases(tx, only, &mut apps)?;
    read_containers(tx, only, &mut apps)?;
    Ok(apps)
}

fn read_app(row: &Row<'_>) -> Result<AppRecord, Failure> {
    let mut app = AppRecord::new(parse("an app's name", text(row, 1)?)?);
    app.formation = Formation::default();
    app.stopped_by_operator = row.get(2)?;
    app.next_generation = read_generation(row, 3)?;
    app.next_release = ReleaseNumber(row.get(4)?);
    if let Some(kind) = row.get::<_, Option<String>>(5)? {
        app.source = Some(read_source(&kind, row.get(6)?, row.get(7)?)?);
    }
    app.routed = traffic::read_routed(row.get(8)?)?;
    app.published_port = traffic::read_port(row.get(9)?)?;
    app.quarantine = traffic::read_quarantine(row.get(10)?, row.get(11)?);
    Ok(app)
}

fn read_settings(tx: &Connection, only: Option<i64>, apps: &mut ById) -> Result<(), Failure> {
    let sql = "SELECT app_id, property, value FROM app_properties";
    each_app(tx, sql, only, apps, |app, row| {
        set_property(&mut app.properties, row, 1)
    })?;

    let sql = "SELECT app_id, name, value FROM app_config";
    each_app(tx, sql, only, apps, |app, row| set_variable(&mut app.config, row, 1))?;

    let mut formations: BTreeMap<i64, Vec<(ProcessType, u16)>> = BTreeMap::new();
    let sql = "SELECT app_id, process_type, quantity FROM formation";
    each_of(tx, sql, "app_id", only, |row| {
        let process_type = parse("a process type", text(row, 1)?)?;
        formations
            .entry(row.get(0)?)
            .or_default()
            .push((process_type, row.get(2)?));
        Ok(())
    })?;
    for (id, quantities) in formations {
        if let Some(app) = apps.get_mut(&id) {
            app.formation = quantities.into_iter().collect();
        }
    }

    let sql = "SELECT app_id, process_type, mode FROM check_modes";
    each_app(tx, sql, only, apps, |app, row| {
        let process_type = parse("a process type", text(row, 1)?)?;
        app.checks.insert(process_type, read_check_mode(text(row, 2)?)?);
        Ok(())
    })?;

    read_traffic(tx, only, apps)
}

fn read_traffic(tx: &Connection, only: Option<i64>, apps: &mut ById) -> Result<(), Failure> {
    let mut domains: Vec<(i64, i64, Domain)> = Vec::new();
    each_of(
        tx,
        "SELECT app_id, position, domain FROM domains",
        "app_id",
        only,
        |row| {
            domains.push((row.get(0)?, row.get(1)?, parse("a domain", text(row, 2)?)?));
            Ok(())
        },
    )?;
    domains.sort_by_key(|(_, position, _)| *position);
    for (id, _, domain) in domains {
        if let Some(app) = apps.get_mut(&id) {
            app.domains.push(domain);
        }
    }
    let mut links: Vec<(i64, i64, Link)> = Vec::new();
    each_of(
        tx,
        "SELECT app_id, position, container, alias FROM links",
        "app_id",
        only,
        |row| {
            let (container, alias) = (row.get(2)?, row.get(3)?);
            links.push((row.get(0)?, row.get(1)?, Link { container, alias }));
            Ok(())
        },
    )?;
    links.sort_by_key(|(_, position, _)| *position);
    for (id, _, link) in links {
        if let Some(app) = apps.get_mut(&id) {
            app.links.push(link);
        }
    }
    Ok(())
}

fn read_releases(tx: &Connection, only: Option<i64>, apps: &mut ById) -> Result<(), Failure> {
    let sql = "SELECT r.app_id, r.number, image_id, image_name, image_detail, processes, r.source_kind, \
               r.source_location, cause, created_at, manifest, made_by, r.source_detail, revision \
               FROM apps a JOIN releases r ON r.app_id = a.id AND r.number = a.current_release";
    each_of(tx, sql, "a.id", only, |row| {
        if let Some(app) = apps.get_mut(&row.get(0)?) {
            app.release = Some(read_release(row)?);
        }
        Ok(())
    })?;
    let sql = "SELECT c.app_id, c.name, c.value \
               FROM apps a JOIN release_config c ON c.app_id = a.id AND c.number = a.current_release";
    each_of(tx, sql, "a.id", only, |row| {
        match apps.get_mut(&row.get(0)?).and_then(|app| app.release.as_mut()) {
            Some(release) => set_variable(&mut release.config, row, 1),
            None => Ok(()),
        }
    })
}

fn read_containers(tx: &Connection, only: Option<i64>, apps: &mut ById) -> Result<(), Failure> {
    let sql = "SELECT app_id, replica, container, generation, release, endpoint FROM serving";
    each_app(tx, sql, only, apps, |app, row| {
        let endpoint = row.get_ref(5)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let serving = Serving {
            container: ContainerId(row.get(2)?),
            generation: read_generation(row, 3)?,
            release: ReleaseNumber(row.get(4)?),
            endpoint: endpoint.map(read_endpoint).transpose()?,
        };
        app.serving.insert(parse("a replica", text(row, 1)?)?, serving);
        Ok(())
    })?;

    let mut retirements: Vec<(i64, i64, Retirement)> = Vec::new();
    let sql = "SELECT app_id, position, replica, generation, container, due, stop_timeout FROM retirements";
    each_of(tx, sql, "app_id", only, |row| {
        let retirement = Retirement {
            replica: parse("a replica", text(row, 2)?)?,
            generation: read_generation(row, 3)?,
            container: ContainerId(row.get(4)?),
            due: read_time(row.get(5)?),
            stop_timeout: read_duration(row.get(6)?),
        };
        retirements.push((row.get(0)?, row.get(1)?, retirement));
        Ok(())
    })?;
    retirements.sort_by_key(|(_, position, _)| *position);
    for (id, _, retirement) in retirements {
        if let Some(app) = apps.get_mut(&id) {
            app.retirements.push(retirement);
        }
    }
    Ok(())
}

/// A release without its config, which is in rows of its own.
fn read_release(row: &Row<'_>) -> Result<Release, Failure> {
    let processes: Option<String> = row.get(5)?;
    Ok(Release {
        number: ReleaseNumber(row.get(1)?),
        image: ReleaseImage {
            id: ImageId(row.get(2)?),
            name: row.get(3)?,
            detail: read_image(text(row, 4)?)?,
        },
        processes: read_processes(processes.as_deref())?,
        manifest: read_manifest(text(row, 10)?)?,
        config: Config::default(),
        source: read_source(text(row, 6)?, row.get(7)?, row.get(12)?)?,
        revision: row.get(13)?,
        cause: row.get(8)?,
        by: row.get(11)?,
        created_at: read_time(row.get(9)?),
    })
}

fn set_property(properties: &mut Properties, row: &Row<'_>, first: usize) -> Result<(), Failure> {
    let name = text(row, first)?;
    let property = Property::named(name).ok_or_else(|| Failure::Unknown {
        what: "property",
        word: name.to_owned(),
    })?;
    properties.insert(property, row.get(first + 1)?);
    Ok(())
}

fn set_variable(config: &mut Config, row: &Row<'_>, first: usize) -> Result<(), Failure> {
    let value: String = row.get(first + 1)?;
    let set = config.set(text(row, first)?, value);
    set.map_err(|error| Failure::unreadable("a variable", error))
}

/// A generation in a column.
pub(crate) fn read_generation(row: &Row<'_>, column: usize) -> Result<Generation, Failure> {
    read_number("a generation", row.get(column)?).map(Generation)
}

/// A column of text.
pub(crate) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, Failure> {
    let value = row.get_ref(column)?;
    value.as_str().map_err(|error| Failure::unreadable("a word", error))
}

/// Visits every row of a query.
pub(crate) fn each(
    tx: &Connection,
    sql: &str,
    params: impl Params,
    mut visit: impl FnMut(&Row<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        visit(row)?;
    }
    Ok(())
}

/// Visits the rows of all apps, or of one.
fn each_of(
    tx: &Connection,
    sql: &str,
    id_column: &str,
    only: Option<i64>,
    visit: impl FnMut(&Row<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match only {
        None => each(tx, sql, [], visit),
        Some(id) => each(tx, &format!("{sql} WHERE {id_column} = ?1"), [id], visit),
    }
}

/// As [`each_of`], for rows whose first column is the app they belong to.
fn each_app(
    tx: &Connection,
    sql: &str,
    only: Option<i64>,
    apps: &mut ById,
    mut visit: impl FnMut(&mut AppRecord, &Row<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    each_of(tx, sql, "app_id", only, |row| match apps.get_mut(&row.get(0)?) {
        Some(app) => visit(app, row),
        None => Ok(()),
    })
}
