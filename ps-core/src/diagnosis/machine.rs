//! The machine: its clock, its disks, its routes.

use std::time::{Duration, SystemTime};

use super::{Disk, Facts, Finding, counted};

/// 2024-01-01: no earlier day can be today.
const EARLIEST: Duration = Duration::from_secs(1_704_067_200);

/// Below this a deploy or a commit of the database may fail at any moment.
const TOO_FEW_BYTES: u64 = 256 << 20;

/// Below this one more image may not fit.
const FEW_BYTES: u64 = 2 << 30;

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = clock(facts).into_iter().collect();
    findings.extend(facts.disks.iter().map(disk));
    findings.extend(routes(facts));
    findings
}

fn clock(facts: &Facts) -> Option<Finding> {
    let now = facts.now?;
    if now >= SystemTime::UNIX_EPOCH + EARLIEST {
        return Some(Finding::fine("clock", "the clock is set"));
    }
    let finding = Finding::wrong("clock", "the clock of this machine is not set")
        .detail("it stands before 2024: certificates fail, and containers retire at the wrong time");
    Some(finding.cure(format!("{}timedatectl set-ntp true", facts.commands.become_root)))
}

fn disk(disk: &Disk) -> Finding {
    let megabytes = disk.free_bytes >> 20;
    let place = format!("{} ({})", disk.what, disk.path.display());
    // A hundredth and a twentieth of all files.
    let has_files = |share: u64| disk.all_files == 0 || disk.free_files >= disk.all_files / share;
    let is_full = disk.free_bytes < TOO_FEW_BYTES || !has_files(100);
    let is_tight = disk.free_bytes < FEW_BYTES || !has_files(20);
    let finding = match (is_full, is_tight) {
        (true, _) => Finding::wrong("disk", format!("there is almost no space for {place}")),
        (false, true) => Finding::advice("disk", format!("there is little space for {place}")),
        (false, false) => return Finding::fine("disk", format!("{megabytes} MiB are free for {place}")),
    };
    let files = if disk.all_files == 0 {
        String::new()
    } else {
        format!(
            ", {} free",
            counted(usize::try_from(disk.free_files).unwrap_or(usize::MAX), "file")
        )
    };
    finding
        .detail(format!("{megabytes} MiB{files}"))
        .cure(disk.cure.clone())
}

fn routes(facts: &Facts) -> Option<Finding> {
    let subnet = facts.registry.as_ref()?.subnet?;
    let (route, interface) = facts.foreign_routes.first()?;
    let title = format!("a route of this host takes addresses of {subnet}, psctl's containers");
    let all = facts.foreign_routes.iter();
    let finding = Finding::wrong("routes", title)
        .details(all.map(|(route, interface)| format!("{route} goes to {interface}")))
        .detail("requests for containers there go astray");
    let become_root = &facts.commands.become_root;
    Some(finding.cure(format!("{become_root}ip route del {route} dev {interface}")))
}
