//! `cargo xtask bench reboot`: whether the wrong app ever answers when a machine loses its power again and again.
//!
//! Start at [`RebootBench::run`]; a round is in `play`, what is cut in `machine`.

mod chance;
mod clients;
mod control;
pub(crate) mod engine_calls;
mod ground;
pub(crate) mod machine;
mod play;
pub(crate) mod psctl;
pub(crate) mod side;
mod table;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::bench::reboot::chance::Chance;
use crate::bench::reboot::control::Control;
use crate::bench::reboot::machine::{EngineKind, Machine};
use crate::bench::reboot::play::{Played, play};
use crate::bench::reboot::psctl::{EngineStarts, Psctl};
use crate::bench::reboot::table::{Judged, as_json, as_table};
use crate::demo::build_psctl;
use crate::engines::ordinary_user::ensure_user;
use crate::engines::packages::{STANDARD, ensure_installed};
use crate::engines::podman::open_tun_device;
use crate::failure::{Failure, Outcome};
use crate::program::is_root;
use crate::{DemoRuntime, say, tell};

/// How many apps serve, and how many their operator stopped before the first round.
const SERVING_APPS: usize = 20;
const STOPPED_APPS: usize = 2;

/// Which side is played alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Only {
    /// psctl's apps.
    Psctl,
    /// The same apps without psctl.
    Control,
}

/// What is played.
#[derive(Debug, Clone, Args)]
pub(crate) struct RebootBench {
    /// How many rounds of psctl's side
    #[arg(long, default_value_t = 200)]
    rounds: usize,
    /// How many rounds of the control
    #[arg(long, default_value_t = 20)]
    control_rounds: usize,
    /// One side alone
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// The seed of every random moment and order; that of a run is printed
    #[arg(long)]
    seed: Option<u64>,
    /// Which engine
    #[arg(long, value_enum, default_value_t = DemoRuntime::Docker)]
    runtime: DemoRuntime,
    /// Podman as the ordinary test user; has no control, since Podman keeps the ports it chose
    #[arg(long)]
    rootless: bool,
    /// Another psctl than the release build
    #[arg(long)]
    program: Option<PathBuf>,
    /// One JSON document instead of the table
    #[arg(long)]
    json: bool,
}

impl RebootBench {
    /// Plays and prints; fails when psctl shows a fault or a wrong answer, or the control shows none.
    pub(crate) fn run(&self) -> Outcome<()> {
        let kind = self.engine_kind()?;
        let seed = self.seed.unwrap_or_else(Chance::any_seed);
        say(&format!("seed {seed}"));
        let mut judged = Vec::new();
        if self.only != Some(Only::Control) {
            judged.push(Judged::psctl(self.play_psctl(&kind, seed)?));
        }
        if self.only != Some(Only::Psctl) && kind == EngineKind::Docker {
            let control = Control::of(SERVING_APPS + STOPPED_APPS);
            let machine = Machine::new(kind)?;
            judged.push(Judged::control(play(machine, &control, self.control_rounds, seed)?));
        }
        tell(&if self.json {
            as_json(seed, &judged)
        } else {
            as_table(&judged)
        });
        if judged.iter().all(Judged::is_good) {
            Ok(())
        } else {
            Err(Failure::new("the wrong-app test failed"))
        }
    }

    fn play_psctl(&self, kind: &EngineKind, seed: u64) -> Outcome<Played> {
        let program = self.program.clone().map_or_else(build_psctl, Ok)?;
        let apps = Psctl::of(program, kind, EngineStarts::EverySecond, SERVING_APPS, STOPPED_APPS);
        play(Machine::new(kind.clone())?, &apps, self.rounds, seed)
    }

    fn engine_kind(&self) -> Outcome<EngineKind> {
        ensure_programs()?;
        match (self.runtime, self.rootless) {
            (DemoRuntime::Docker, false) => Ok(EngineKind::Docker),
            (DemoRuntime::Podman, true) => {
                open_tun_device()?;
                Ok(EngineKind::RootlessPodman(ensure_user()?))
            }
            _ => Err(Failure::new("this is played on Docker and on rootless Podman")),
        }
    }
}

/// What a machine of its own needs.
pub(crate) fn ensure_programs() -> Outcome<()> {
    if !is_root() {
        return Err(Failure::new("a machine of its own needs root"));
    }
    ensure_installed(&STANDARD)
}
