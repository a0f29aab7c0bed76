//! `procfile:*`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::Format;

const WHERE: &str = "\
A word that is a file, or a directory with a Procfile, is that; any other is an
app, shown as its current release has it. `-` is standard input.";

/// `procfile:check` and `procfile:list`: what is read, under which rules, and how it is printed.
#[derive(Debug, Clone, Args)]
#[command(after_help = WHERE)]
pub struct ProcfileReading {
    /// A Procfile, a directory with one, an app, or `-`; without it the Procfile
    /// of this directory
    #[arg(value_name = "FILE|APP|-", value_hint = ValueHint::AnyPath)]
    pub place: Option<PathBuf>,
    /// Take names with capitals and underscores too; a deploy does not
    #[arg(long)]
    pub relaxed: bool,
    /// How to print it
    #[arg(
        long,
        default_value = "stdout",
        hide_default_value = true,
        value_name = "stdout|json",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// `procfile:show`.
#[derive(Debug, Clone, Args)]
pub struct ProcfileShow {
    /// As for the others.
    #[command(flatten)]
    pub reading: ProcfileReading,
    /// Print the command of this process type alone
    #[arg(short, long, value_name = "TYPE")]
    pub process_type: Option<String>,
}
