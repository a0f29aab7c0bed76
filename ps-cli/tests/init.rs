//! `init` and `man` from outside. The texts of units are golden files; `tests/systemd` has the real systemd read them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

#[expect(dead_code, reason = "other tests use the rest")]
mod in_process;
mod unit_cases;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clap::CommandFactory;
use in_process::{Place, Run, run_as};
use ps_cli::arguments::Arguments;
use ps_cli::environment::Environment;
use ps_cli::units::{MARKER, unit_files};
use ps_cli::wiring::adapters::RealAdapters;
use ps_cli::wiring::systemd::Systemd;
use ps_core::runtime::EngineIdentity;
use ps_core::store::Store;
use serde_json::Value;
use tempfile::TempDir;

/// No engine answers there.
const NOWHERE: [&str; 2] = ["--host", "unix:///nonexistent/engine.sock"];

const ROOT: u32 = 0;
const ANN: u32 = 4_000_000;

#[derive(Debug, Default)]
struct FakeSystemd {
    is_absent: bool,
    lingers: bool,
    refuses: bool,
    calls: Mutex<Vec<String>>,
}

#[async_trait]
impl Systemd for FakeSystemd {
    fn is_running(&self) -> bool {
        !self.is_absent
    }

    fn lingers(&self, user: &str) -> bool {
        assert_eq!(user, "ann");
        self.lingers
    }

    async fn systemctl(&self, words: &[String]) -> std::io::Result<()> {
        self.calls.lock().unwrap().push(words.join(" "));
        if self.refuses {
            return Err(std::io::Error::other("Failed to connect to bus: No medium found"));
        }
        Ok(())
    }
}

/// A machine with a home, a systemd, an nginx, and no engine.
struct Machine {
    place: Place,
    home: TempDir,
    services: Arc<FakeSystemd>,
    user_id: u32,
    unit_dir: bool,
}

impl Machine {
    fn new(user_id: u32, services: FakeSystemd) -> Self {
        let home = tempfile::tempdir().unwrap();
        let nginx = home.path().join("nginx");
        std::fs::write(&nginx, "").unwrap();
        std::fs::set_permissions(&nginx, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Self {
            place: Place::new(),
            home,
            services: Arc::new(services),
            user_id,
            // Root's own directory is that of the machine the tests run on.
            unit_dir: user_id == ROOT,
        }
    }

    fn units(&self) -> PathBuf {
        self.home
            .path()
            .join(if self.unit_dir { "units" } else { ".config/systemd/user" })
    }

    fn run(&self, words: &[&str]) -> Run {
        let home = || self.home.path().as_os_str().to_owned();
        let mut environment = Environment {
            variables: [("HOME", home()), ("PATH", home()), ("USER", "ann".into())]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            user_id: self.user_id,
            directory: self.home.path().to_owned(),
        };
        if self.unit_dir {
            environment
                .variables
                .insert("PSCTL_UNIT_DIR".to_owned(), self.units().into());
            let state = self.place.state().into();
            environment.variables.insert("PSCTL_STATE_DIR".to_owned(), state);
        }
        let adapters = RealAdapters::default().with_systemd(self.services.clone());
        run_as(words, std::io::empty(), environment, adapters)
    }

    /// `init` for Podman on a machine where it does not run.
    fn init(&self, words: &[&str]) -> Run {
        let user = ["--user"];
        let user = if self.user_id == ROOT { &[][..] } else { &user[..] };
        self.run(&[&["init", "--runtime", "podman"], user, &NOWHERE, words].concat())
    }

    fn files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.units()) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.services.calls.lock().unwrap())
    }

    /// What `systemctl enable` does.
    fn enable(&self, name: &str, target: &str) {
        let folder = self.units().join(format!("{target}.wants"));
        std::fs::create_dir_all(&folder).unwrap();
        std::os::unix::fs::symlink(self.units().join(name), folder.join(name)).unwrap();
    }
}

const USERS: [&str; 5] = [
    "psctl-listener.service",
    "psctl-nginx.service",
    "psctl-restore.service",
    "psctl-retire.service",
    "psctl-retire.timer",
];

fn install(machine: &Machine) {
    let run = machine.init(&[]);
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
    for name in ["psctl-restore.service", "psctl-listener.service", "psctl-nginx.service"] {
        machine.enable(name, "default.target");
    }
    machine.enable("psctl-retire.timer", "timers.target");
}

#[test]
fn units_are_as_published() {
    for (name, settings) in unit_cases::cases() {
        let units = unit_files(&settings).unwrap();
        let texts: Vec<String> = units
            .iter()
            .map(|unit| format!("==> {} <==\n{}", unit.name, unit.text))
            .collect();
        let (text, file) = (texts.join("\n"), format!("tests/unit_cases/{name}.txt"));
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(&file);
        if std::env::var_os("PSCTL_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            text, golden,
            "{file}: if this change is meant, set PSCTL_WRITE_GOLDEN=1"
        );
        assert!(units.iter().all(|unit| unit.text.starts_with(MARKER)));
    }
}

/// A command that this psctl does not have yet cannot be checked.
#[test]
fn what_units_run_is_a_well_formed_command() {
    let (_, settings) = unit_cases::cases().into_iter().next().unwrap();
    let mut left = vec!["ps:restore", "events:listen", "ps:retire"];
    for unit in unit_files(&settings).unwrap() {
        let Some(line) = unit.text.lines().find_map(|line| line.strip_prefix("ExecStart=")) else {
            continue;
        };
        let words: Vec<OsString> = line.split(' ').skip(1).map(OsString::from).collect();
        let mut program = Arguments::command();
        program.build();
        let arranged = ps_cli::words::arrange(&program, &words);
        let arranged = arranged.unwrap_or_else(|_| panic!("{line}: no such command"));
        let full = std::iter::once(OsString::from("psctl")).chain(arranged.words);
        let parsed = program.try_get_matches_from(full);
        assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        left.retain(|command| !words.iter().any(|word| word == command));
    }
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_users_units_are_written_enabled_and_started_once() {
    let machine = Machine::new(ANN, FakeSystemd::default());
    install(&machine);
    assert_eq!(machine.files()[..2], ["default.target.wants", "psctl-listener.service"]);
    let enabled = "psctl-restore.service psctl-listener.service psctl-retire.timer psctl-nginx.service";
    let started = "psctl-listener.service psctl-retire.timer psctl-nginx.service";
    let calls = [
        "--user daemon-reload".to_owned(),
        format!("--user enable {enabled}"),
        format!("--user --no-block restart {started}"),
    ];
    assert_eq!(machine.take_calls(), calls);
    let again = machine.init(&[]);
    assert!(
        again.code == 0 && again.err.contains("=====> Nothing changed\n"),
        "{}",
        again.err
    );
    assert_eq!(machine.take_calls(), [""; 0]);
    let dry = machine.init(&["--dry-run", "--detailed-exitcode"]);
    assert_eq!((dry.code, dry.out.as_str()), (0, ""));
}

#[test]
fn a_dry_run_and_print_write_nothing_and_ask_nothing() {
    let machine = Machine::new(ANN, FakeSystemd::default());
    let dry = machine.init(&["--dry-run", "--detailed-exitcode"]);
    assert_eq!(dry.code, 10, "{}", dry.err);
    let first = format!("#1 [] write {}/psctl-restore.service\n", machine.units().display());
    assert!(dry.out.starts_with(&first), "{}", dry.out);
    assert!(
        dry.out.contains("#6 [] run systemctl --user daemon-reload\n"),
        "{}",
        dry.out
    );
    let printed = machine.init(&["--print"]);
    assert_eq!((printed.code, printed.err.as_str()), (0, ""));
    for name in USERS {
        let title = format!("# {}/{name}\n{MARKER}\n[Unit]\n", machine.units().display());
        assert!(printed.out.contains(&title), "{name}: {}", printed.out);
    }
    assert_eq!((machine.files(), machine.take_calls()), (Vec::new(), Vec::new()));
    assert!(machine.place.is_untouched());
}

#[test]
fn removal_takes_away_what_was_written_and_nothing_else() {
    let machine = Machine::new(ANN, FakeSystemd::default());
    install(&machine);
    machine.take_calls();
    let others = ["other.service", "psctl-restore.service.d"];
    std::fs::write(machine.units().join(others[0]), "[Unit]\n").unwrap();
    std::fs::create_dir(machine.units().join(others[1])).unwrap();
    machine.enable(others[0], "default.target");
    let run = machine.init(&["--remove", "--quiet"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""));
    assert_eq!(machine.files(), ["default.target.wants", others[0], others[1]]);
    assert_eq!(
        std::fs::read_dir(machine.units().join("default.target.wants"))
            .unwrap()
            .count(),
        1
    );
    let stopped =
        "psctl-restore.service psctl-listener.service psctl-retire.service psctl-retire.timer psctl-nginx.service";
    assert_eq!(
        machine.take_calls(),
        [format!("--user stop {stopped}"), "--user daemon-reload".to_owned()]
    );
    let again = machine.init(&["--remove"]);
    assert_eq!((again.code, again.err.as_str()), (0, "=====> Nothing changed\n"));
    assert_eq!(machine.take_calls(), [""; 0]);
}

#[test]
fn a_file_of_somebody_else_is_refused_before_anything_is_done() {
    let machine = Machine::new(ANN, FakeSystemd::default());
    std::fs::create_dir_all(machine.units()).unwrap();
    let file = machine.units().join("psctl-nginx.service");
    std::fs::write(&file, "[Service]\nExecStart=/bin/true\n").unwrap();
    for words in [&[][..], &["--remove"], &["--dry-run"]] {
        let run = machine.init(words);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{words:?}");
        let error = "error: psctl-nginx.service was not written by psctl init\n\nhint: move it away from ";
        assert!(run.err.starts_with(error), "{}", run.err);
        assert_eq!(machine.files(), ["psctl-nginx.service"]);
    }
    assert_eq!(machine.take_calls(), [""; 0]);
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        "[Service]\nExecStart=/bin/true\n"
    );
}

#[test]
fn a_user_who_does_not_linger_is_warned() {
    for lingers in [false, true] {
        let services = FakeSystemd {
            lingers,
            ..FakeSystemd::default()
        };
        let run = Machine::new(ANN, services).init(&[]);
        assert_eq!(run.code, 0);
        let is_warned = run.err.contains("loginctl enable-linger ann\n");
        assert_eq!(is_warned, !lingers, "{}", run.err);
    }
}

/// What `doctor` finds about units and lingering: each id, and the command that mends it.
fn findings(machine: &Machine) -> Vec<(String, String)> {
    let run = machine.run(&[&["doctor", "--format", "json"], &NOWHERE[..], &["--runtime", "podman"]].concat());
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let text = |finding: &Value, key: &str| finding.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let all = document.get("findings").unwrap().as_array().unwrap();
    let all = all.iter().map(|finding| (text(finding, "id"), text(finding, "cure")));
    let is_asked = |(id, _): &(String, String)| id.starts_with("units") || id == "lingering";
    all.filter(is_asked).collect()
}

/// Init writes the units but asks a fake systemd, so the test enables them. Nothing here may let a real user linger.
#[test]
fn doctor_finds_missing_units_and_lingering_and_names_what_mends_them() {
    for user_id in [ANN, ROOT] {
        let machine = Machine::new(user_id, FakeSystemd::default());
        let flag = if user_id == ANN { " --user" } else { "" };
        let cure = format!("psctl --runtime podman --host unix:///nonexistent/engine.sock init{flag}");
        let mut expected = vec![("units-missing".to_owned(), cure.clone())];
        let lingering = ("lingering".to_owned(), "loginctl enable-linger ann".to_owned());
        expected.extend((user_id == ANN).then_some(lingering.clone()));
        assert_eq!(findings(&machine), expected);
        assert!(machine.place.is_untouched() && machine.files().is_empty());
        let words: Vec<&str> = cure.split(' ').skip(1).collect();
        let run = machine.run(&words);
        assert_eq!(run.code, 0, "{}", run.err);
        if user_id == ANN {
            let disabled = ("units-disabled".to_owned(), cure);
            assert_eq!(findings(&machine), [disabled, lingering]);
            install(&machine);
        }
        let ids: Vec<String> = findings(&machine).into_iter().map(|(id, _)| id).collect();
        let expected: &[&str] = if user_id == ANN {
            &["lingering", "units"]
        } else {
            &["units"]
        };
        assert_eq!(ids, expected);
    }
    let services = FakeSystemd {
        lingers: true,
        ..FakeSystemd::default()
    };
    let lingering = findings(&Machine::new(ANN, services)).pop().unwrap();
    assert_eq!(lingering, ("lingering".to_owned(), String::new()));
}

#[test]
fn where_systemd_does_not_run_files_are_written_and_the_commands_are_told() {
    let services = FakeSystemd {
        is_absent: true,
        ..FakeSystemd::default()
    };
    for machine in [Machine::new(ANN, services), Machine::new(ROOT, FakeSystemd::default())] {
        let run = machine.init(&[]);
        assert_eq!((run.code, machine.take_calls()), (0, Vec::new()), "{}", run.err);
        assert!(
            run.err.contains("systemd was not asked; where it runs: systemctl "),
            "{}",
            run.err
        );
        let files = machine.files();
        assert_eq!(files.len(), if machine.user_id == ROOT { 4 } else { 5 }, "{files:?}");
        let before = std::fs::metadata(machine.units().join(&files[0]))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(machine.init(&[]).code, 0);
        let after = std::fs::metadata(machine.units().join(&files[0]))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(before, after);
        assert_eq!(machine.init(&["--remove"]).code, 0);
        assert_eq!(machine.files(), [""; 0]);
    }
}

#[test]
fn state_directories_have_units_of_their_own() {
    let machine = Machine::new(ROOT, FakeSystemd::default());
    for state in ["one", "two"] {
        assert_eq!(machine.init(&["--state-dir", state]).code, 0);
    }
    let files = machine.files();
    assert_eq!(files.len(), 8, "{files:?}");
    assert!(
        files.iter().all(|name| name.len() > "psctl-retire.service".len()),
        "{files:?}"
    );
    assert_eq!(machine.init(&["--remove", "--state-dir", "one"]).code, 0);
    assert_eq!(machine.files().len(), 4);
}

#[test]
fn what_systemd_refuses_is_told_and_tried_again() {
    let services = FakeSystemd {
        refuses: true,
        ..FakeSystemd::default()
    };
    let machine = Machine::new(ANN, services);
    let run = machine.init(&[]);
    assert_eq!(run.code, 1);
    let error = "error: `systemctl --user daemon-reload` failed: Failed to connect to bus: No medium found\n\nhint: ";
    assert!(run.err.contains(error), "{}", run.err);
    assert_eq!(machine.files(), USERS);
    machine.take_calls();
    assert_eq!(machine.init(&[]).code, 1);
    assert_eq!(machine.take_calls().len(), 1);
}

#[test]
fn who_has_no_units_is_told_the_way_out() {
    let ann = Machine::new(ANN, FakeSystemd::default());
    let run = ann.run(&["init", "--print"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("hint: `psctl init --user` "), "{}", run.err);
    let root = Machine::new(ROOT, FakeSystemd::default());
    let run = root.run(&["init", "--user", "--print"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(run.err.contains("hint: leave out --user; "), "{}", run.err);
    // Nobody said which engine it will be.
    let run = root.run(&[&["init"], &NOWHERE[..]].concat());
    assert_eq!((run.code, run.out.as_str()), (7, ""));
    assert!(
        run.err.contains("`--runtime docker` or `--runtime podman`"),
        "{}",
        run.err
    );
    let run = root.run(&["init", "--print", "--remove"]);
    assert_eq!(run.code, 2, "{}", run.err);
}

#[test]
fn the_engine_of_the_state_decides_though_it_does_not_answer() {
    let machine = Machine::new(ROOT, FakeSystemd::default());
    let bind = |rootless: bool| {
        let place = Machine::new(ROOT, FakeSystemd::default());
        let store = ps_store_sqlite::SqliteStore::open(&place.place.state()).unwrap();
        let engine = EngineIdentity {
            kind: "docker".to_owned(),
            id: "ABCD".to_owned(),
            rootless,
            version: "1".to_owned(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(store.bind_engine(&engine)).unwrap();
        place
    };
    let printed = bind(false).run(&[&["init", "--print"], &NOWHERE[..]].concat());
    assert_eq!(printed.code, 0, "{}", printed.err);
    assert!(printed.out.contains("\nWantedBy=docker.service\n"), "{}", printed.out);
    assert!(
        printed.out.contains(" --host unix:///nonexistent/engine.sock "),
        "{}",
        printed.out
    );
    let other = bind(false).init(&["--print"]);
    assert_eq!((other.code, other.out.as_str()), (7, ""), "{}", other.err);
    let rootless = bind(true).run(&[&["init", "--print"], &NOWHERE[..]].concat());
    assert_eq!((rootless.code, rootless.out.as_str()), (1, ""));
    assert!(
        rootless.err.contains("`psctl init --user` as that user"),
        "{}",
        rootless.err
    );
    assert!(machine.place.is_untouched());
}

#[test]
fn the_manual_has_every_command_once() {
    let place = Place::new();
    let page = place.run(&["man"]);
    assert_eq!((page.code, page.err.as_str()), (0, ""));
    assert_eq!(page.out.matches(".TH psctl 1 ").count(), 1);
    assert_eq!(page.out.matches("\\-\\-lock\\-timeout").count(), 1);
    for line in place
        .run(&["help"])
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
    {
        let name = line.split([' ', ',']).next().unwrap();
        if !name.is_empty() && !name.starts_with('-') {
            let usage = format!("\\fBpsctl {}", name.replace('-', "\\-"));
            assert!(page.out.contains(&usage), "{name}");
        }
    }
}
