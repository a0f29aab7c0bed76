//! What a process uses, read from `/proc`, and what it may use.

use std::fmt;

use crate::bench::listener::trace::Calls;
use crate::failure::{Failure, Outcome, WhileDoing};

/// The kernel's unit of CPU time in `/proc`, the same on every Linux this runs on.
pub(super) const TICKS_A_SECOND: u64 = 100;

/// The listener has to stay below, in bytes.
const MEMORY: u64 = 15_000_000;

/// The most CPU ticks of an idle minute.
const TICKS: u64 = 2;

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// All that is resident.
    pub(super) resident: u64,
    /// Of it what is the process's own.
    pub(super) anonymous: u64,
    /// Of it pages of files, which processes share.
    pub(super) of_files: u64,
    /// The most that was ever resident.
    pub(super) peak: u64,
}

/// What a process uses now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    /// Memory.
    pub(super) memory: Memory,
    /// CPU ticks since it began.
    pub(super) ticks: u64,
}

impl Use {
    /// Of a live process.
    pub(super) fn of(pid: u32) -> Outcome<Self> {
        let read = |name: &str| {
            let path = format!("/proc/{pid}/{name}");
            std::fs::read_to_string(&path).while_doing(|| format!("read {path}"))
        };
        let memory = memory(&read("status")?).ok_or_else(|| Failure::new("the kernel tells no memory"))?;
        let ticks = ticks(&read("stat")?).ok_or_else(|| Failure::new("the kernel tells no CPU time"))?;
        Ok(Self { memory, ticks })
    }
}

fn memory(status: &str) -> Option<Memory> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024)
    };
    Some(Memory {
        resident: field("VmRSS")?,
        anonymous: field("RssAnon")?,
        of_files: field("RssFile")?,
        peak: field("VmHWM")?,
    })
}

/// Fields 14 and 15 of `/proc/<pid>/stat`: in the program and in the kernel.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let own: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(own + kernel)
}

/// What was measured.
#[derive(Debug)]
pub(super) struct Figures {
    /// At the end.
    pub(super) memory: Memory,
    /// CPU ticks of the idle time.
    pub(super) ticks: u64,
    /// System calls of the idle time; `None` when it was not traced.
    pub(super) calls: Option<Calls>,
}

impl Figures {
    /// What is too high.
    pub(super) fn misses(&self) -> Vec<String> {
        let mut misses = Vec::new();
        if self.memory.resident >= MEMORY {
            let (found, most) = (megabytes(self.memory.resident), megabytes(MEMORY));
            misses.push(format!("{found} of memory, not below {most}"));
        }
        if self.ticks > TICKS {
            misses.push(format!("{} CPU ticks, more than {TICKS}", self.ticks));
        }
        if let Some(calls) = self.calls.filter(|calls| calls.to_sockets > 0) {
            misses.push(format!("{} system calls to a socket", calls.to_sockets));
        }
        misses
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Memory {
            resident,
            anonymous,
            of_files,
            peak,
        } = self.memory;
        writeln!(formatter, "  memory                     {}", megabytes(resident))?;
        writeln!(formatter, "    anonymous                {}", megabytes(anonymous))?;
        writeln!(formatter, "    of files                 {}", megabytes(of_files))?;
        writeln!(formatter, "    the most since its start {}", megabytes(peak))?;
        writeln!(formatter, "  CPU ticks                  {}", self.ticks)?;
        match self.calls {
            None => write!(formatter, "  system calls               not traced"),
            Some(calls) => {
                writeln!(formatter, "  system calls               {}", calls.all)?;
                write!(formatter, "    to a socket              {}", calls.to_sockets)
            }
        }
    }
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_fields_are_read_whatever_the_programs_name() {
        let stat = "71 (a) b) S 1 71 71 0 -1 0 10 0 0 0 7 5 0 0 20 0";
        assert_eq!(ticks(stat), Some(12));
        let status = "Name:\tpsctl\nVmHWM:\t    30 kB\nVmRSS:\t    20 kB\nRssAnon:\t    15 kB\nRssFile:\t     5 kB\n";
        let memory = memory(status).unwrap();
        assert_eq!((memory.resident, memory.peak), (20 * 1024, 30 * 1024));
        assert_eq!((memory.anonymous, memory.of_files), (15 * 1024, 5 * 1024));
    }

    #[test]
    fn each_figure_that_is_too_high_is_told() {
        let memory = |resident| Memory {
            resident,
            anonymous: 0,
            of_files: 0,
            peak: resident,
        };
        let calls = |to_sockets| Some(Calls { all: 9, to_sockets });
        let figures = |bytes, ticks, to_sockets| Figures {
            memory: memory(bytes),
            ticks,
            calls: calls(to_sockets),
        };
        assert!(figures(14_999_999, 2, 0).misses().is_empty());
        assert_eq!(
            figures(15_000_000, 3, 1).misses(),
            [
                "15.0 MB of memory, not below 15.0 MB",
                "3 CPU ticks, more than 2",
                "1 system calls to a socket"
            ]
        );
    }
}
