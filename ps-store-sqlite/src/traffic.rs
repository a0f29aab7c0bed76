//! Domains, links, published ports, what the proxy may name, crashes and quarantines: changes, and how they are read.

use std::collections::BTreeSet;

use ps_core::addresses::Endpoint;
use ps_core::crashes::{Crash, CrashKind, Quarantine};
use ps_core::domains::Domain;
use ps_core::links::Link;
use ps_core::names::{AppName, Generation};
use ps_core::store::{Scope, StoreChange};
use rusqlite::{Connection, OptionalExtension, params};

use crate::changes::{app_id, run, store_generation};
use crate::classify_error::Failure;
use crate::columns::{parse, read_number, read_time, store_time};
use crate::records::{each, read_generation, text};

/// Makes one of the changes this file is about.
pub(crate) fn apply(tx: &Connection, change: &StoreChange) -> Result<(), Failure> {
    match change {
        StoreChange::SetQuarantine { app, quarantine } => {
            let since = quarantine.as_ref().map(|known| store_time(known.since)).transpose()?;
            let cause = quarantine.as_ref().map(|known| &known.cause);
            let sql = "UPDATE apps SET quarantine_cause = ?2, quarantine_since = ?3 WHERE id = ?1";
            run(tx, sql, params![app_id(tx, app)?, cause, since])
        }
        StoreChange::RecordCrash { app, crash } => {
            let sql =
                "INSERT OR IGNORE INTO crashes (app_id, at, generation, kind, replica) VALUES (?1, ?2, ?3, ?4, ?5)";
            let generation = store_generation(crash.generation)?;
            let (at, kind) = (store_time(crash.at)?, crash_word(crash.kind));
            run(
                tx,
                sql,
                params![app_id(tx, app)?, at, generation, kind, crash.replica.to_string()],
            )
        }
        StoreChange::ForgetCrashes { app, before } => {
            let before = before.map(store_time).transpose()?;
            let sql = "DELETE FROM crashes WHERE app_id = ?1 AND (?2 IS NULL OR at < ?2)";
            run(tx, sql, params![app_id(tx, app)?, before])
        }
        StoreChange::SetDomains {
            scope: Scope::Global,
            domains,
        } => set_global_domains(tx, domains),
        StoreChange::SetDomains {
            scope: Scope::App(app),
            domains,
        } => set_domains(tx, app_id(tx, app)?, domains),
        StoreChange::SetLinks { app, links } => set_links(tx, app_id(tx, app)?, links),
        StoreChange::PublishPort { app, port } => publish(tx, app_id(tx, app)?, *port),
        StoreChange::SetRouted { app, routed } => {
            let routed = routed.as_ref().map(store_routed);
            run(
                tx,
                "UPDATE apps SET routed = ?2 WHERE id = ?1",
                params![app_id(tx, app)?, routed],
            )
        }
        // The caller passes on no other.
        _ => Ok(()),
    }
}

fn set_domains(tx: &Connection, id: i64, domains: &[Domain]) -> Result<(), Failure> {
    run(tx, "DELETE FROM domains WHERE app_id = ?1", [id])?;
    for (position, domain) in (0_i64..).zip(domains) {
        let sql = "SELECT a.name FROM domains d JOIN apps a ON a.id = d.app_id WHERE d.domain = ?1 AND a.id <> ?2";
        let by: Option<String> = tx
            .prepare_cached(sql)?
            .query_row(params![domain.as_str(), id], |row| row.get(0))
            .optional()?;
        if let Some(by) = by {
            return Err(Failure::DomainTaken {
                domain: domain.clone(),
                by: parse("an app's name", &by)?,
            });
        }
        let sql = "INSERT OR IGNORE INTO domains (domain, app_id, position) VALUES (?1, ?2, ?3)";
        run(tx, sql, params![domain.as_str(), id, position])?;
    }
    Ok(())
}

fn set_global_domains(tx: &Connection, domains: &[Domain]) -> Result<(), Failure> {
    run(tx, "DELETE FROM global_domains", [])?;
    for (position, domain) in (0_i64..).zip(domains) {
        let sql = "INSERT OR IGNORE INTO global_domains (domain, position) VALUES (?1, ?2)";
        run(tx, sql, params![domain.as_str(), position])?;
    }
    Ok(())
}

/// The domains below which apps answer.
pub(crate) fn global_domains(tx: &Connection) -> Result<Vec<Domain>, Failure> {
    let mut domains = Vec::new();
    each(tx, "SELECT domain FROM global_domains ORDER BY position", [], |row| {
        domains.push(parse("a domain", text(row, 0)?)?);
        Ok(())
    })?;
    Ok(domains)
}

fn set_links(tx: &Connection, id: i64, links: &[Link]) -> Result<(), Failure> {
    run(tx, "DELETE FROM links WHERE app_id = ?1", [id])?;
    for (position, link) in (0_i64..).zip(links) {
        let sql = "INSERT INTO links (app_id, alias, container, position) VALUES (?1, ?2, ?3, ?4)";
        run(tx, sql, params![id, link.alias, link.container, position])?;
    }
    Ok(())
}

fn publish(tx: &Connection, id: i64, port: Option<u16>) -> Result<(), Failure> {
    // A loopback port may stand in a proxy's file as long as it is given out.
    let sql = "SELECT name FROM apps WHERE published_port = ?1 AND id <> ?2 UNION ALL
        SELECT a.name FROM endpoints e JOIN apps a ON a.id = e.app_id WHERE e.endpoint = ?3";
    let given = port.map(|port| Endpoint::LoopbackPort(port).to_string());
    let by: Option<String> = tx
        .prepare_cached(sql)?
        .query_row(params![port, id, given], |row| row.get(0))
        .optional()?;
    if let (Some(by), Some(port)) = (by, port) {
        let by: AppName = parse("an app's name", &by)?;
        return Err(Failure::PortTaken { port, by });
    }
    run(
        tx,
        "UPDATE apps SET published_port = ?2 WHERE id = ?1",
        params![id, port],
    )
}

fn store_routed(routed: &BTreeSet<Generation>) -> String {
    let numbers: Vec<String> = routed.iter().map(ToString::to_string).collect();
    numbers.join(" ")
}

/// The generations of a column.
pub(crate) fn read_routed(column: Option<String>) -> Result<Option<BTreeSet<Generation>>, Failure> {
    let Some(column) = column else { return Ok(None) };
    let numbers = column.split(' ').filter(|word| !word.is_empty());
    let read = numbers.map(|word| {
        word.parse()
            .map(Generation)
            .map_err(|error| Failure::unreadable("a generation", error))
    });
    read.collect::<Result<_, _>>().map(Some)
}

/// The quarantine of two columns.
pub(crate) fn read_quarantine(cause: Option<String>, since: Option<i64>) -> Option<Quarantine> {
    let since = read_time(since?);
    cause.map(|cause| Quarantine { cause, since })
}

fn crash_word(kind: CrashKind) -> &'static str {
    match kind {
        CrashKind::Ended => "ended",
        CrashKind::Exhausted => "exhausted",
        CrashKind::Unhealthy => "unhealthy",
    }
}

/// The crashes of an app, oldest first.
pub(crate) fn crashes(tx: &Connection, app: &AppName) -> Result<Vec<Crash>, Failure> {
    let mut crashes = Vec::new();
    let sql = "SELECT at, generation, kind, replica FROM crashes WHERE app_id = ?1 ORDER BY at, generation, kind";
    each(tx, sql, [app_id(tx, app)?], |row| {
        crashes.push(Crash {
            at: read_time(row.get(0)?),
            generation: read_generation(row, 1)?,
            kind: match text(row, 2)? {
                "exhausted" => CrashKind::Exhausted,
                "unhealthy" => CrashKind::Unhealthy,
                _ => CrashKind::Ended,
            },
            replica: parse("a replica", text(row, 3)?)?,
        });
        Ok(())
    })?;
    Ok(crashes)
}

/// A port of a column.
pub(crate) fn read_port(column: Option<i64>) -> Result<Option<u16>, Failure> {
    column.map(|port| read_number("a port", port)).transpose()
}
