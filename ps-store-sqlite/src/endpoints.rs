//! Giving out addresses and ports. An endpoint is in the table from the moment it is given out until it is given back, and
//! the table takes each only once.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ps_core::addresses::{Endpoint, Subnet};
use ps_core::names::{AppName, Generation, OwnerToken, Replica};
use ps_core::store::ReservedEndpoint;
use rusqlite::{Connection, OptionalExtension, params};

use crate::changes::{app_id, store_generation};
use crate::classify_error::Failure;
use crate::columns::{parse, read_endpoint};
use crate::records::{each, read_generation, text};

/// Loopback ports that are given out: above the well-known ones, below those the kernel picks for clients.
const PORTS: RangeInclusive<u16> = 20_000..=29_999;

/// The same in words.
pub(crate) const LOOPBACK_PORTS: &str = "loopback ports from 20000 to 29999";

/// The containers that need an endpoint.
pub(crate) type Wanted = [(Replica, Generation)];

/// All endpoints that are given out.
pub(crate) fn reserved(tx: &Connection) -> Result<Vec<ReservedEndpoint>, Failure> {
    let mut reserved = Vec::new();
    let sql = "SELECT a.name, e.replica, e.generation, e.endpoint FROM endpoints e JOIN apps a ON a.id = e.app_id \
               ORDER BY a.name, e.generation";
    each(tx, sql, [], |row| {
        reserved.push(ReservedEndpoint {
            app: parse("an app's name", text(row, 0)?)?,
            replica: parse("a replica", text(row, 1)?)?,
            generation: read_generation(row, 2)?,
            endpoint: read_endpoint(text(row, 3)?)?,
        });
        Ok(())
    })?;
    Ok(reserved)
}

/// Gives out addresses, going round from the last one.
pub(crate) fn reserve_addresses(
    tx: &Connection,
    app: &AppName,
    subnet: Subnet,
    wanted: &Wanted,
) -> Result<Vec<Endpoint>, Failure> {
    let id = app_id(tx, app)?;
    let mut taken: BTreeSet<Ipv4Addr> = BTreeSet::new();
    each(tx, "SELECT endpoint FROM endpoints", [], |row| {
        if let Endpoint::Address(address) = read_endpoint(text(row, 0)?)? {
            taken.insert(address);
        }
        Ok(())
    })?;
    let mut last: Option<Ipv4Addr> = tx
        .query_row("SELECT last_address FROM store", [], |row| {
            row.get::<_, Option<String>>(0)
        })?
        .map(|last| parse("an address", &last))
        .transpose()?;
    let mut given = Vec::new();
    for (replica, generation) in wanted {
        if let Some(endpoint) = held(tx, id, *generation)? {
            given.push(endpoint);
            continue;
        }
        let free = subnet.next_free(last, |address| taken.contains(&address));
        let address = free.ok_or(Failure::NoEndpointLeft("addresses of psctl's network"))?;
        taken.insert(address);
        last = Some(address);
        give(tx, id, replica, *generation, Endpoint::Address(address))?;
        given.push(Endpoint::Address(address));
    }
    let last = last.map(|last| last.to_string());
    tx.execute("UPDATE store SET last_address = ?1", [last])?;
    Ok(given)
}

/// How many of the wanted have no endpoint yet, and the free ports in the order in which they are tried.
pub(crate) fn free_ports(tx: &Connection, app: &AppName, wanted: &Wanted) -> Result<(usize, Vec<u16>), Failure> {
    let id = app_id(tx, app)?;
    let mut missing = 0;
    for (_, generation) in wanted {
        missing += usize::from(held(tx, id, *generation)?.is_none());
    }
    let mut taken: BTreeSet<u16> = BTreeSet::new();
    each(tx, "SELECT endpoint FROM endpoints", [], |row| {
        if let Endpoint::LoopbackPort(port) = read_endpoint(text(row, 0)?)? {
            taken.insert(port);
        }
        Ok(())
    })?;
    each(
        tx,
        "SELECT published_port FROM apps WHERE published_port IS NOT NULL",
        [],
        |row| {
            taken.insert(row.get(0)?);
            Ok(())
        },
    )?;
    let (owner, last): (String, Option<u16>) = tx.query_row("SELECT owner, last_port FROM store", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let start = match last {
        Some(last) => last.saturating_add(1),
        None => first_port(&parse_owner(owner)?),
    };
    let (after, before) = (PORTS.filter(|port| *port >= start), PORTS.filter(|port| *port < start));
    let free = after.chain(before).filter(|port| !taken.contains(port)).collect();
    Ok((missing, free))
}

/// Gives out ports that the host can use; `None` when another command has taken one of them meanwhile.
pub(crate) fn claim_ports(
    tx: &Connection,
    app: &AppName,
    wanted: &Wanted,
    usable: &[u16],
) -> Result<Option<Vec<Endpoint>>, Failure> {
    let id = app_id(tx, app)?;
    for port in usable {
        let sql = "SELECT 1 FROM endpoints WHERE endpoint = ?1 UNION ALL SELECT 1 FROM apps WHERE published_port = ?2";
        let mut is_taken = tx.prepare_cached(sql)?;
        if is_taken.exists(params![Endpoint::LoopbackPort(*port).to_string(), port])? {
            return Ok(None);
        }
    }
    let mut usable = usable.iter();
    let mut given = Vec::new();
    for (replica, generation) in wanted {
        if let Some(endpoint) = held(tx, id, *generation)? {
            given.push(endpoint);
            continue;
        }
        let port = usable.next().ok_or(Failure::NoEndpointLeft(LOOPBACK_PORTS))?;
        let endpoint = Endpoint::LoopbackPort(*port);
        give(tx, id, replica, *generation, endpoint)?;
        tx.execute("UPDATE store SET last_port = ?1", [port])?;
        given.push(endpoint);
    }
    Ok(Some(given))
}

/// Two state directories on one host start at different places, so that they seldom meet.
fn first_port(owner: &OwnerToken) -> u16 {
    let digits = owner.as_str().get(..8).unwrap_or_default();
    let number = u32::from_str_radix(digits, 16).unwrap_or(0);
    let (first, count) = (u32::from(*PORTS.start()), u32::from(PORTS.end() - PORTS.start()) + 1);
    u16::try_from(first + number % count).unwrap_or(*PORTS.start())
}

/// A token in a column.
pub(crate) fn parse_owner(owner: String) -> Result<OwnerToken, Failure> {
    OwnerToken::new(owner).map_err(|error| Failure::unreadable("the owner token", error))
}

/// A generation is one container, and that has one endpoint.
fn held(tx: &Connection, app_id: i64, generation: Generation) -> Result<Option<Endpoint>, Failure> {
    let mut statement = tx.prepare_cached("SELECT endpoint FROM endpoints WHERE app_id = ?1 AND generation = ?2")?;
    let found: Option<String> = statement
        .query_row(params![app_id, store_generation(generation)?], |row| row.get(0))
        .optional()?;
    found.as_deref().map(read_endpoint).transpose()
}

fn give(
    tx: &Connection,
    app_id: i64,
    replica: &Replica,
    generation: Generation,
    endpoint: Endpoint,
) -> Result<(), Failure> {
    let sql = "INSERT INTO endpoints (endpoint, app_id, replica, generation) VALUES (?1, ?2, ?3, ?4)";
    tx.prepare_cached(sql)?.execute(params![
        endpoint.to_string(),
        app_id,
        replica.to_string(),
        store_generation(generation)?
    ])?;
    Ok(())
}
