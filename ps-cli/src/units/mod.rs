//! systemd units: what `psctl init` writes.
//!
//! Invariant: pure but for [`UnitDirectory`]. Settings go in, files and steps come out; the same settings give the same text, and no config value is
//! among them. Every file opens with [`MARKER`]; one without it is a stranger, and is never changed. Start at [`unit_files`],
//! then [`plan_install`].

mod directory;
mod plan;
mod quoting;
mod text;

pub use directory::UnitDirectory;
pub use plan::{Found, Stranger, UnitStep, plan_install, plan_removal};
pub use quoting::UnquotableError;

use std::path::{Path, PathBuf};

/// The first line of every file.
pub const MARKER: &str =
    "# Written by psctl init. `psctl init --remove` takes it away; your own changes belong in a drop-in.";

/// What a first line begins with when a psctl wrote it, this one or another version.
const MARK: &str = "# Written by psctl init";

/// Whether a psctl wrote the file with this text.
pub(crate) fn is_written_by_init(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Which service manager runs the units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitScope {
    /// That of the machine.
    System,
    /// That of one user.
    User,
}

impl UnitScope {
    /// The target of what runs after a boot.
    const fn target(self) -> &'static str {
        match self {
            Self::System => "multi-user.target",
            Self::User => "default.target",
        }
    }
}

/// How the service manager knows the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineService {
    /// A daemon with a unit of its own, named here.
    Daemon(&'static str),
    /// No daemon: a socket unit, named here, starts it when it is asked for.
    Socket(&'static str),
    /// Another service manager's, or on another machine.
    Elsewhere,
}

/// What the units are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitSettings {
    /// Which service manager runs them.
    pub scope: UnitScope,
    /// How it knows the engine.
    pub engine: EngineService,
    /// The `psctl` program, absolute.
    pub program: PathBuf,
    /// The state directory, absolute.
    pub state_directory: PathBuf,
    /// What tells the units of this state directory from those of others.
    pub suffix: Suffix,
    /// The options with which psctl finds the engine, when it would not find it, or another one, without.
    pub engine_options: Vec<String>,
    /// The `nginx` program, where psctl runs one of its own.
    pub nginx: Option<PathBuf>,
}

/// The end of unit names: nothing for the usual state directory, else eight hexadecimal digits made of its path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suffix(Option<String>);

impl Suffix {
    /// That of a state directory; `usual` is the one that is used when nobody names one.
    ///
    /// ```
    /// use ps_cli::units::Suffix;
    /// let usual = "/var/lib/psctl".as_ref();
    /// assert_eq!(Suffix::of(usual, Some(usual)), Suffix::default());
    /// assert_ne!(Suffix::of("/srv/a".as_ref(), Some(usual)), Suffix::of("/srv/b".as_ref(), Some(usual)));
    /// ```
    pub fn of(state_directory: &Path, usual: Option<&Path>) -> Self {
        if usual == Some(state_directory) {
            return Self::default();
        }
        // FNV-1a: units keep their names, so this may never give another number.
        let bytes = state_directory.as_os_str().as_encoded_bytes();
        let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        Self(Some(format!("{hash:08x}")))
    }
}

/// A unit by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitRole {
    /// Brings the apps back whenever the engine has started.
    Restore,
    /// Follows the engine's events.
    Listener,
    /// Stops and removes old containers that are due.
    Retire,
    /// Starts [`UnitRole::Retire`] again and again.
    RetireTimer,
    /// The nginx of a user.
    Nginx,
}

impl UnitRole {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Restore,
        Self::Listener,
        Self::Retire,
        Self::RetireTimer,
        Self::Nginx,
    ];

    /// The name of its file.
    pub fn file_name(self, suffix: &Suffix) -> String {
        let (name, kind) = match self {
            Self::Restore => ("restore", "service"),
            Self::Listener => ("listener", "service"),
            Self::Retire => ("retire", "service"),
            Self::RetireTimer => ("retire", "timer"),
            Self::Nginx => ("nginx", "service"),
        };
        let suffix = suffix.0.as_ref().map(|digits| format!("-{digits}"));
        format!("psctl-{name}{}.{kind}", suffix.unwrap_or_default())
    }
}

/// What happens to a unit when it is installed, beside being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enabling {
    /// Another unit starts it.
    Never,
    /// This unit wants it from now on.
    WantedBy(&'static str),
    /// The same, and it starts now.
    Now(&'static str),
}

impl Enabling {
    /// The unit that wants it.
    pub const fn wanted_by(self) -> Option<&'static str> {
        match self {
            Self::Never => None,
            Self::WantedBy(unit) | Self::Now(unit) => Some(unit),
        }
    }
}

/// One unit file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFile {
    /// Its name, without a directory.
    pub name: String,
    /// What it is for.
    pub role: UnitRole,
    /// The whole file.
    pub text: String,
    /// What its `[Install]` section says.
    pub enabling: Enabling,
}

/// The units of one state directory. An error when a path cannot stand in a unit file.
pub fn unit_files(settings: &UnitSettings) -> Result<Vec<UnitFile>, UnquotableError> {
    let wanted = UnitRole::ALL
        .into_iter()
        .filter(|role| *role != UnitRole::Nginx || settings.nginx.is_some());
    wanted
        .map(|role| {
            let enabling = enabling(role, settings);
            Ok(UnitFile {
                name: role.file_name(&settings.suffix),
                role,
                text: text::of(role, enabling, settings)?,
                enabling,
            })
        })
        .collect()
}

fn enabling(role: UnitRole, settings: &UnitSettings) -> Enabling {
    let target = settings.scope.target();
    match role {
        UnitRole::Restore => Enabling::WantedBy(match settings.engine {
            EngineService::Daemon(unit) => unit,
            EngineService::Socket(_) | EngineService::Elsewhere => target,
        }),
        UnitRole::Listener | UnitRole::Nginx => Enabling::Now(target),
        UnitRole::Retire => Enabling::Never,
        UnitRole::RetireTimer => Enabling::Now("timers.target"),
    }
}
