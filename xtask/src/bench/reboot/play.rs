//! The rounds: the machine is cut at a random moment, boots, some containers are started behind everybody's back, and everything is
//! brought back, while clients ask all the time.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::reboot::chance::Chance;
use crate::bench::reboot::clients::{
    Clients, SharedTally, Site, Tally, all_right_since, begin_round, forget_who_was_right, look,
};
use crate::bench::reboot::engine_calls::{Listed, containers, start_all};
use crate::bench::reboot::machine::{Cut, Machine};
use crate::bench::reboot::side::{Side, start};
use crate::bench::samples::Samples;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::program::last_lines;
use crate::say;

/// All apps are back within this after the restore.
const BACK_LIMIT: Duration = Duration::from_secs(60);

/// Requests go on for so long when nobody brings the control back.
const SETTLED: Duration = Duration::from_millis(1500);

/// A round's machine is cut within this after all were back, in milliseconds.
const SERVING: usize = 1000;

/// A boot is cut within this after the engine's start, and a restore within this after its own.
const STARTING: usize = 400;
const RESTORING: usize = 2500;

/// How many engine calls at a time start what nobody asked psctl to start.
const AT_A_TIME: usize = 4;

/// What became of all rounds of one side.
#[derive(Debug)]
pub(crate) struct Played {
    /// The word in the table.
    pub(crate) name: &'static str,
    /// How many rounds were played to their end.
    pub(crate) rounds: usize,
    /// What became of the requests.
    pub(crate) tally: Tally,
    /// From the engine's first answer until all apps were back, each round.
    pub(crate) back: Samples,
    /// How often the machine was cut amid a boot.
    pub(crate) cut_boots: usize,
    /// How often it was cut amid a restore.
    pub(crate) cut_restores: usize,
    /// Apps that did not come back, stopped ones that did, restores that failed.
    pub(crate) faults: Vec<String>,
}

/// Everything a round works with.
struct Play<'s> {
    machine: Machine,
    side: &'s dyn Side,
    chance: Chance,
    tally: SharedTally,
    clients: Option<Clients>,
    /// A restore whose machine is about to be cut.
    cut_off: Option<Child>,
    played: Played,
}

/// Sets a side up on a machine and plays so many rounds.
pub(crate) fn play(mut machine: Machine, side: &dyn Side, rounds: usize, seed: u64) -> Outcome<Played> {
    let began = Instant::now();
    start(&mut machine, side)?;
    side.set_up(&machine)?;
    let mut play = Play {
        machine,
        side,
        chance: Chance::new(seed),
        tally: SharedTally::default(),
        clients: None,
        cut_off: None,
        played: Played::of(side.name()),
    };
    play.start_clients()?;
    play.wait_until_back("before the first round", true);
    say(&format!(
        "{}: {} hosts set up in {:.0} s",
        side.name(),
        side.sites().len(),
        began.elapsed().as_secs_f64()
    ));
    if !play.played.faults.is_empty() {
        return Err(Failure::new(play.played.faults.join("\n")));
    }
    for round in 1..=rounds {
        play.round(round)?;
    }
    play.end_clients()?;
    let mut played = play.played;
    played.tally = std::mem::take(&mut *look(&play.tally));
    Ok(played)
}

impl Played {
    fn of(name: &'static str) -> Self {
        Self {
            name,
            rounds: 0,
            tally: Tally::default(),
            back: Samples::default(),
            cut_boots: 0,
            cut_restores: 0,
            faults: Vec::new(),
        }
    }
}

/// What became of a restore.
#[derive(Debug, PartialEq, Eq)]
enum Restored {
    ToItsEnd,
    CutOff,
}

impl Play<'_> {
    fn start_clients(&mut self) -> Outcome<()> {
        let (network, port) = (self.machine.network()?, self.side.http_port());
        self.clients = Some(Clients::start(&network, port, self.side.sites(), &self.tally)?);
        Ok(())
    }

    fn end_clients(&mut self) -> Outcome<()> {
        self.clients.take().map_or(Ok(()), Clients::end)
    }

    fn round(&mut self, round: usize) -> Outcome<()> {
        begin_round(&self.tally, round);
        std::thread::sleep(self.chance.milliseconds(SERVING));
        let up = loop {
            if let Some(up) = self.boot_again()? {
                self.start_some()?;
                if self.restore(round)? == Restored::ToItsEnd {
                    break up;
                }
                self.played.cut_restores += 1;
            } else {
                self.played.cut_boots += 1;
            }
        };
        let back = self.wait_until_back(&format!("round {round}"), self.side.comes_back());
        let back = back.map(|back| back.saturating_duration_since(up));
        if let Some(back) = back {
            self.played.back.add(back);
        }
        self.check_stopped(round)?;
        self.played.rounds = round;
        let tally = look(&self.tally);
        say(&format!(
            "{} round {round}: {}; {} requests, {} wrong, {} lost so far",
            self.side.name(),
            back.map_or_else(
                || "NOT back".to_owned(),
                |back| format!("back after {:.1} s", back.as_secs_f64())
            ),
            tally.requests(),
            tally.wrong,
            tally.lost
        ));
        Ok(())
    }

    /// Cuts, and starts what was cut; answers when the engine was there, or `None` when it is to be cut before.
    fn boot_again(&mut self) -> Outcome<Option<Instant>> {
        let cut = match self.chance.below(4) {
            0 => Cut::Engine,
            1 if self.machine.user().is_some() => Cut::Monitors,
            _ => Cut::Power,
        };
        self.machine.cut(cut)?;
        if let Some(mut restore) = self.cut_off.take() {
            restore.wait().while_doing(|| "wait for the restore's end".to_owned())?;
        }
        forget_who_was_right(&self.tally);
        if cut == Cut::Power {
            self.end_clients()?;
            self.machine.boot()?;
            // With the files it had, before there is any container.
            self.side.start_nginx(&self.machine)?;
            self.start_clients()?;
        }
        self.machine.start_engine()?;
        if self.chance.one_in(5) {
            std::thread::sleep(self.chance.milliseconds(STARTING));
            return Ok(None);
        }
        self.machine.wait_for_engine()?;
        Ok(Some(Instant::now()))
    }

    /// Some containers are started by somebody else, in any order; those of stopped apps are left alone.
    fn start_some(&mut self) -> Outcome<()> {
        let engine = self.machine.engine()?;
        let due = self.due(&containers(&engine)?);
        let count = self.chance.below(due.len() / 2 + 1);
        let some: Vec<String> = self.chance.shuffled(due).into_iter().take(count).collect();
        start_all(&engine, &some, AT_A_TIME)
    }

    /// The ids of what should run and does not.
    fn due(&self, rows: &[Listed]) -> Vec<String> {
        let sites = self.side.sites();
        let is_due =
            |row: &&Listed| !row.is_running && sites.iter().any(|site| !site.is_stopped && belongs_to(row, site));
        rows.iter().filter(is_due).map(|row| row.id.clone()).collect()
    }

    fn restore(&mut self, round: usize) -> Outcome<Restored> {
        let Some(mut command) = self.side.restore_command(&self.machine)? else {
            let engine = self.machine.engine()?;
            let due = self.due(&containers(&engine)?);
            start_all(&engine, &self.chance.shuffled(due), AT_A_TIME)?;
            return Ok(Restored::ToItsEnd);
        };
        if self.chance.one_in(4) {
            // What it says does not matter: the next cut ends it, as it ends everything else.
            let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            self.cut_off = Some(child.while_doing(|| "start the restore".to_owned())?);
            std::thread::sleep(self.chance.milliseconds(RESTORING));
            return Ok(Restored::CutOff);
        }
        self.run_restore(&mut command, round)?;
        Ok(Restored::ToItsEnd)
    }

    fn run_restore(&mut self, command: &mut Command, round: usize) -> Outcome<()> {
        let output = command.stdin(Stdio::null()).output();
        let output = output.while_doing(|| "run the restore".to_owned())?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            let status = output.status;
            let fault = format!(
                "round {round}: the restore ended with {status}:\n{}",
                last_lines(&told, 30)
            );
            self.fault(fault);
        }
        Ok(())
    }

    fn fault(&mut self, fault: String) {
        say(&format!("{}: {fault}", self.side.name()));
        self.played.faults.push(fault);
    }

    /// When all were back; where nothing comes back by itself, when the containers were started.
    fn wait_until_back(&mut self, when: &str, comes_back: bool) -> Option<Instant> {
        let now = Instant::now();
        if !comes_back {
            std::thread::sleep(SETTLED);
            return Some(now);
        }
        loop {
            match all_right_since(&self.tally, self.side.sites()) {
                Ok(since) => return Some(since),
                Err(missing) if now.elapsed() > BACK_LIMIT => {
                    self.fault(format!("{when}: not back: {}", missing.join(", ")));
                    return None;
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// What an operator stopped must not run.
    fn check_stopped(&mut self, round: usize) -> Outcome<()> {
        let rows = containers(&self.machine.engine()?)?;
        for site in self.side.sites().iter().filter(|site| site.is_stopped) {
            if let Some(row) = rows.iter().find(|row| row.is_running && belongs_to(row, site)) {
                let fault = format!("round {round}: {} runs, though its app was stopped", row.name);
                self.fault(fault);
            }
        }
        Ok(())
    }
}

/// Whether a container is one of a site's app.
fn belongs_to(row: &Listed, site: &Site) -> bool {
    row.name == site.app
        || row
            .name
            .strip_prefix(&site.app)
            .is_some_and(|rest| rest.starts_with('.'))
}
