//! The text of each unit. What each line is for stands above it, in the unit itself: an operator reads it there.
//!
//! Invariant: stopping, restarting or removing a unit stops no app. Start at [`of`].

use super::quoting::{UnquotableError, argument, path_text, plain, program, word};
use super::{Enabling, EngineService, MARKER, UnitRole, UnitScope, UnitSettings};

/// Lines of a unit file.
type Lines = Vec<String>;

/// A whole unit file.
pub(super) fn of(role: UnitRole, enabling: Enabling, settings: &UnitSettings) -> Result<String, UnquotableError> {
    let mut lines = vec![MARKER.to_owned(), "[Unit]".to_owned()];
    lines.extend(match role {
        UnitRole::Restore => restore(settings)?,
        UnitRole::Listener => listener(settings)?,
        UnitRole::Retire => retire(settings)?,
        UnitRole::RetireTimer => retire_timer(settings)?,
        UnitRole::Nginx => nginx(settings)?,
    });
    if let Some(unit) = enabling.wanted_by() {
        lines.extend([String::new(), "[Install]".to_owned(), format!("WantedBy={unit}")]);
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn restore(settings: &UnitSettings) -> Result<Lines, UnquotableError> {
    let mut lines = head("bring the apps back", settings)?;
    lines.extend(after_engine(settings));
    if let EngineService::Daemon(unit) = settings.engine {
        lines.extend(fixed(&[
            "# Whenever the engine stops or dies, this unit ends too; only so does the engine's next start run it again.",
        ]));
        lines.push(format!("BindsTo={unit}"));
    }
    let proxy = match (settings.scope, &settings.nginx) {
        (UnitScope::User, Some(_)) => UnitRole::Nginx.file_name(&settings.suffix),
        _ => "nginx.service".to_owned(),
    };
    lines.push("# Where there is an nginx, it is told of the apps that came back.".to_owned());
    lines.push(format!("After={proxy}"));
    lines.extend(fixed(&[
        "# An engine that is started often must not find this refused.",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "# Done when it has ended, and active from then on. Exit code 3: some apps did not come back, though they were tried",
        "# again. That is a failure to look at, and nothing to repeat.",
        "Type=oneshot",
        "RemainAfterExit=yes",
    ]));
    // A listener that came back earlier may be at work on an app.
    let words = ["--lock-timeout", "600", "ps:restore", "--all", "--parallel", "-1"];
    lines.push(exec_start(settings, &words)?);
    if settings.engine == EngineService::Elsewhere {
        lines.extend(fixed(&[
            "# Exit code 7: no engine. Nothing here says when that one starts, so it is asked again; any other code is no",
            "# reason to repeat it.",
            "Restart=on-failure",
            "RestartPreventExitStatus=1 2 3 4 5 8 20 70",
            "RestartSec=30s",
        ]));
    }
    lines.extend(fixed(&[
        "# Lost containers may have to be built again.",
        "TimeoutStartSec=2h",
    ]));
    lines.extend(process(settings));
    Ok(lines)
}

fn listener(settings: &UnitSettings) -> Result<Lines, UnquotableError> {
    let mut lines = head("follow the engine's events", settings)?;
    lines.extend(after_engine(settings));
    lines.extend(fixed(&[
        "# After the engine, not bound to it: it connects again by itself. However often it fails, it is started again.",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "# Active once it follows the events; an engine may be slow to come, so there is no limit.",
        "Type=notify",
        "TimeoutStartSec=infinity",
    ]));
    lines.push(exec_start(settings, &["events:listen"])?);
    lines.extend(fixed(&["Restart=always", "RestartSec=5s"]));
    lines.extend(process(settings));
    Ok(lines)
}

fn retire(settings: &UnitSettings) -> Result<Lines, UnquotableError> {
    let mut lines = head("stop and remove old containers that are due", settings)?;
    lines.extend(after_engine(settings));
    lines.extend(fixed(&["", "[Service]", "Type=oneshot"]));
    lines.push(exec_start(settings, &["ps:retire"])?);
    // Each old container may take its stop timeout.
    lines.push("TimeoutStartSec=1h".to_owned());
    lines.extend(process(settings));
    Ok(lines)
}

fn retire_timer(settings: &UnitSettings) -> Result<Lines, UnquotableError> {
    let mut lines = vec![description("look for old containers every five minutes", settings)?];
    lines.extend(fixed(&[
        "",
        "[Timer]",
        "# By the time since boot, which no change of the clock moves. (Persistent= has a meaning for calendar times only.)",
        "OnBootSec=5min",
        "OnUnitActiveSec=5min",
    ]));
    Ok(lines)
}

fn nginx(settings: &UnitSettings) -> Result<Lines, UnquotableError> {
    let Some(nginx) = &settings.nginx else {
        return Ok(Lines::new());
    };
    let mut lines = head("nginx in front of the apps", settings)?;
    lines.extend(fixed(&[
        "# It is tried again until the first deploy has written its configuration.",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
    ]));
    let configuration = settings.state_directory.join("nginx/nginx.conf");
    lines.push(format!(
        "ExecStart={} -c {} -g \"daemon off;\"",
        program(nginx)?,
        argument(path_text(&configuration)?)
    ));
    lines.extend(fixed(&[
        "ExecReload=/bin/kill -HUP $MAINPID",
        "Restart=always",
        "RestartSec=5s",
        "# Requests that are under way may end.",
        "KillMode=mixed",
        "KillSignal=SIGQUIT",
        "TimeoutStopSec=30s",
    ]));
    Ok(lines)
}

fn head(what: &str, settings: &UnitSettings) -> Result<Lines, UnquotableError> {
    let directory = path_text(&settings.state_directory)?;
    Ok(vec![
        description(what, settings)?,
        format!("RequiresMountsFor={}", word(directory)),
    ])
}

fn description(what: &str, settings: &UnitSettings) -> Result<String, UnquotableError> {
    let directory = plain(path_text(&settings.state_directory)?);
    Ok(format!("Description=psctl: {what} ({directory})"))
}

/// Starts later than the engine at boot, and has an engine without a daemon listen.
fn after_engine(settings: &UnitSettings) -> Lines {
    let network = match settings.scope {
        UnitScope::System => Some("network-online.target"),
        // Users have no such target; what their service manager starts comes after the machine's.
        UnitScope::User => None,
    };
    let wanted: Vec<&str> = match settings.engine {
        EngineService::Daemon(unit) => return vec![format!("After={unit}")],
        EngineService::Socket(unit) => network.into_iter().chain([unit]).collect(),
        EngineService::Elsewhere => network.into_iter().collect(),
    };
    if wanted.is_empty() {
        return Lines::new();
    }
    let wanted = wanted.join(" ");
    vec![format!("Wants={wanted}"), format!("After={wanted}")]
}

fn exec_start(settings: &UnitSettings, words: &[&str]) -> Result<String, UnquotableError> {
    let mut line = format!("ExecStart={}", program(&settings.program)?);
    let directory = path_text(&settings.state_directory)?;
    let engine = settings.engine_options.iter().map(String::as_str);
    for text in ["--state-dir", directory]
        .into_iter()
        .chain(engine)
        .chain(words.iter().copied())
    {
        line.push(' ');
        line.push_str(&argument(text));
    }
    Ok(line)
}

/// How psctl runs as a service.
fn process(settings: &UnitSettings) -> Lines {
    let mut lines = fixed(&[
        "# What psctl has started goes on when it ends: old containers that it retires in the background, and the",
        "# service of an engine that has none.",
        "KillMode=process",
        "# How psctl ends when it is told to.",
        "SuccessExitStatus=143",
    ]);
    if settings.scope == UnitScope::System {
        lines.extend(fixed(&[
            "# Where rebuilds find the logins of registries and the credentials of git.",
            "Environment=HOME=%h",
        ]));
        // An engine without a daemon may be a child of psctl, and would hand this on to the containers.
        if let EngineService::Daemon(_) = settings.engine {
            lines.extend(fixed(&[
                "# Nothing that psctl runs gains rights. No more is locked up: psctl has the engine's socket, which is as good as",
                "# root, and writes the proxy's files wherever they are.",
                "NoNewPrivileges=yes",
            ]));
        }
    }
    lines
}

fn fixed(lines: &[&str]) -> Lines {
    lines.iter().map(|line| (*line).to_owned()).collect()
}
