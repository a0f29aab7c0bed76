//! The manual page `psctl(1)`, from the definitions of the command line.
//!
//! Invariant: what the help of a command says stands in it, each command once, the global flags once.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// The heading under which `clap_mangen` puts the flags that all commands have.
const GLOBAL: &str = ".SH \"GLOBAL OPTIONS\"";

/// The whole page, in roff. `program` was built.
pub fn page(program: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = Man::new(program.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    let mut synopsis = Roff::new();
    synopsis.control("SH", ["SYNOPSIS"]);
    synopsis.text([bold("psctl"), roman(" <command> [flags] [words]")]);
    synopsis.control("SH", ["COMMANDS"]);
    write(&synopsis, &mut page)?;
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        section(command, &mut page)?;
    }
    man.render_options_section(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(with_one_preamble(&page))
}

/// Every part that is rendered opens with the same lines about apostrophes; a page needs them once.
fn with_one_preamble(page: &[u8]) -> Vec<u8> {
    let is_preamble = |line: &&[u8]| line.starts_with(b".ie \\n(.g .ds Aq") || line.starts_with(b".el .ds Aq");
    let lines = || page.split_inclusive(|byte| *byte == b'\n');
    let preamble = lines().filter(is_preamble).take(2);
    preamble
        .chain(lines().filter(|line| !is_preamble(line)))
        .flatten()
        .copied()
        .collect()
}

fn section(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let names: Vec<&str> = std::iter::once(command.get_name())
        .chain(command.get_visible_aliases())
        .collect();
    let mut roff = Roff::new();
    roff.control("SS", [names.join(", ").as_str()]);
    let usage = command.clone().render_usage().to_string();
    roff.text([bold(usage.trim_start_matches("Usage: ").trim().to_owned())]);
    roff.control("PP", []);
    let long = command.get_long_about().or_else(|| command.get_about());
    roff.text([roman(long.map(ToString::to_string).unwrap_or_default())]);
    write(&roff, page)?;
    let mut options = Vec::new();
    Man::new(command.clone()).render_options_section(&mut options)?;
    let options = String::from_utf8_lossy(&options).into_owned();
    let own = options.split(GLOBAL).next().unwrap_or_default();
    for line in own.lines().filter(|line| *line != ".SH OPTIONS") {
        writeln!(page, "{line}")?;
    }
    if let Some(after) = command.get_after_help() {
        let mut roff = Roff::new();
        roff.control("PP", []);
        roff.text([roman(after.to_string())]);
        write(&roff, page)?;
    }
    Ok(())
}

fn write(roff: &Roff, page: &mut Vec<u8>) -> io::Result<()> {
    roff.to_writer(page)
}
