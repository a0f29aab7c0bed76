//! What stays on an engine after an app is destroyed: psctl's network, and the images it built. Only what was not there before is
//! removed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::engines::record::EngineRecord;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::{http_delete, http_get};
use crate::say;

const LIMIT: Duration = Duration::from_secs(30);

/// The label that psctl puts on what is an app's.
const APP_LABEL: &str = "dev.psctl.app";

/// What was there before, and the subnet that is ours.
#[derive(Debug)]
pub(crate) struct Leftovers {
    images_before: BTreeSet<String>,
    subnet: String,
}

impl Leftovers {
    /// Remembers what is there now.
    pub(crate) fn before(engine: &EngineRecord, subnet: String) -> Outcome<Self> {
        Ok(Self {
            images_before: image_tags(engine)?,
            subnet,
        })
    }

    /// Removes the network with our subnet and the images of `app` that are new.
    pub(crate) fn remove(&self, engine: &EngineRecord, app: &str) -> Outcome<()> {
        let prefix = format!("psctl/{app}:");
        for tag in image_tags(engine)?.difference(&self.images_before) {
            let short = tag.trim_start_matches("localhost/");
            if short.starts_with(&prefix) {
                delete(engine, &format!("/images/{tag}"), &format!("image {short}"))?;
            }
        }
        for network in list(engine, "/networks")? {
            let name = network.get("Name").and_then(Value::as_str).unwrap_or_default();
            if name.starts_with("psctl-") && has_subnet(&network, &self.subnet) {
                delete(engine, &format!("/networks/{name}"), &format!("network {name}"))?;
            }
        }
        Ok(())
    }
}

/// Every tag of the images that psctl built.
fn image_tags(engine: &EngineRecord) -> Outcome<BTreeSet<String>> {
    // Podman answers Docker's calls too.
    let filter = format!("/images/json?filters=%7B%22label%22%3A%5B%22{APP_LABEL}%22%5D%7D");
    let images = list(engine, &filter)?;
    let tags = images.iter().filter_map(|image| image.get("RepoTags")?.as_array());
    let tags = tags.flatten().filter_map(Value::as_str);
    Ok(tags.map(str::to_owned).collect())
}

fn has_subnet(network: &Value, subnet: &str) -> bool {
    let configs = network.pointer("/IPAM/Config").and_then(Value::as_array);
    let mut configs = configs.into_iter().flatten();
    configs.any(|config| config.get("Subnet").and_then(Value::as_str) == Some(subnet))
}

fn list(engine: &EngineRecord, path: &str) -> Outcome<Vec<Value>> {
    let answer = http_get(&engine.address(), path, LIMIT)?;
    let value: Value = serde_json::from_slice(&answer.body).while_doing(|| format!("read {path}"))?;
    let entries = value.as_array().cloned();
    entries.ok_or_else(|| Failure::new(format!("{} answered {path} with {value}", engine.name)))
}

/// Deletes one thing by its path; one that is gone is fine.
pub(crate) fn delete(engine: &EngineRecord, path: &str, what: &str) -> Outcome<()> {
    let answer = http_delete(&engine.address(), path, LIMIT)?;
    if answer.status >= 300 && answer.status != 404 {
        let told = answer.text();
        return Err(Failure::new(format!(
            "{} did not remove {what}: {}",
            engine.name,
            told.trim()
        )));
    }
    say(&format!("removed {what}"));
    Ok(())
}

/// A subnet with room for so many addresses that no route of this machine touches. Podman's networks have no route while nothing is
/// on them, so the search begins at a place of chance.
pub(crate) fn free_subnet(addresses: usize) -> Outcome<String> {
    let routes = std::fs::read_to_string("/proc/net/route").while_doing(|| "read the routes".to_owned())?;
    // So many subnets of 256 addresses beside each other. The engine has the last quarter, and needs a few besides.
    let width = u8::try_from(((addresses + 8) * 4).div_ceil(3 * 256).next_power_of_two()).unwrap_or(128);
    let places = 200 / u32::from(width);
    let start = std::process::id() % places;
    let candidates = (0..places).map(|step| u8::try_from((start + step) % places).unwrap_or(0) * width);
    let is_free = |first: u8| (0..width).all(|next| !is_routed(&routes, [10, 199, first + next, 0]));
    let first = candidates.into_iter().find(|first| is_free(*first));
    let first = first.ok_or_else(|| Failure::new("no free subnet in 10.199.0.0/16"))?;
    Ok(format!("10.199.{first}.0/{}", 24 - width.ilog2()))
}

/// Whether a route other than the default one holds the subnet, or is inside it. Fields are little-endian hexadecimal.
fn is_routed(routes: &str, subnet: [u8; 4]) -> bool {
    let wanted = u32::from_be_bytes(subnet);
    let field = |word: &str| u32::from_str_radix(word, 16).map(u32::swap_bytes).ok();
    let entry = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        Some((field(fields.next()?)?, field(fields.nth(5)?)?))
    };
    let mut entries = routes.lines().filter_map(entry);
    entries.any(|(destination, mask)| {
        let mask = mask & 0xffff_ff00;
        mask != 0 && destination & mask == wanted & mask
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n\
        eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\n\
        br1\t0005C70A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n";

    #[test]
    fn a_subnet_with_a_route_is_taken_and_the_default_route_takes_none() {
        assert!(is_routed(ROUTES, [10, 199, 5, 0]));
        assert!(!is_routed(ROUTES, [10, 199, 6, 0]));
    }

    #[test]
    fn a_wider_route_takes_the_subnets_inside_it() {
        let wide = "h\nbr1\t0000C70A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\n";
        assert!(is_routed(wide, [10, 199, 6, 0]));
        assert!(!is_routed(wide, [10, 200, 6, 0]));
    }
}
