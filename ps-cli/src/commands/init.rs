//! `init`: systemd units for this state directory and its engine.

use super::Outcome;
use crate::arguments::Init;
use crate::command_error::{CommandError, CommandErrorKind};
use crate::exit_status::ExitStatus;
use crate::units::{
    Found, Stranger, Suffix, UnitDirectory, UnitFile, UnitRole, UnitScope, UnitStep, plan_install, plan_removal,
    unit_files,
};
use crate::wiring::{Session, unit_directory, unit_scope, unit_settings, usual_state_directory};

pub(super) async fn init(arguments: &Init, session: &Session) -> Outcome {
    let environment = session.environment();
    let scope = unit_scope(arguments.user, environment)?;
    let (path, is_chosen) = unit_directory(scope, environment)?;
    let place = Place {
        directory: UnitDirectory::new(path),
        scope,
        is_asked: !is_chosen && session.systemd().is_running(),
    };
    if arguments.remove {
        let steps = place.removal(session)?;
        return place.carry_out(&steps, session).await;
    }
    let settings = unit_settings(scope, session).await?;
    let units = unit_files(&settings).map_err(|error| CommandError::new(CommandErrorKind::Failed, error))?;
    if arguments.print {
        place.print(&units, session);
        return Ok(ExitStatus::Done);
    }
    let found = place.look(&units.iter().map(|unit| unit.name.clone()).collect::<Vec<_>>())?;
    let steps = plan_install(scope, &units, |name| found(name)).map_err(|stranger| place.refusal(stranger))?;
    let status = place.carry_out(&steps, session).await?;
    if scope == UnitScope::User {
        if settings.nginx.is_none() {
            let missing = "no nginx was found, so no unit starts one: install it and run `psctl init --user` again";
            session.terminal().warn(missing);
        }
        if !is_chosen {
            warn_of_logout(session);
        }
    }
    Ok(status)
}

/// Where units lie, and who runs them.
struct Place {
    directory: UnitDirectory,
    scope: UnitScope,
    is_asked: bool,
}

impl Place {
    fn print(&self, units: &[UnitFile], session: &Session) {
        for (position, unit) in units.iter().enumerate() {
            let gap = if position == 0 { "" } else { "\n" };
            let path = self.directory.path().join(&unit.name);
            let text = unit.text.trim_end();
            session.terminal().data(&format!("{gap}# {}\n{text}", path.display()));
        }
    }

    fn removal(&self, session: &Session) -> Result<Vec<UnitStep>, CommandError> {
        let usual = usual_state_directory(session.environment()).ok();
        let suffix = Suffix::of(&session.state_directory()?, usual.as_deref());
        let names = UnitRole::ALL.map(|role| role.file_name(&suffix));
        let found = self.look(&names)?;
        plan_removal(self.scope, &names, |name| found(name)).map_err(|stranger| self.refusal(stranger))
    }

    fn look(&self, names: &[String]) -> Result<impl Fn(&str) -> Found + use<>, CommandError> {
        let look = |name: &String| {
            let found = self
                .directory
                .look(name)
                .map_err(|error| self.failure("look into", &error))?;
            Ok::<_, CommandError>((name.clone(), found))
        };
        let found: Vec<(String, Found)> = names.iter().map(look).collect::<Result<_, _>>()?;
        Ok(move |name: &str| {
            let one = found.iter().find(|(other, _)| other == name);
            one.map(|(_, found)| found.clone()).unwrap_or_default()
        })
    }

    async fn carry_out(&self, steps: &[UnitStep], session: &Session) -> Outcome {
        let terminal = session.terminal();
        if session.options().dry_run {
            for (position, step) in steps.iter().enumerate() {
                terminal.data(&format!("#{} [] {}", position + 1, step.tell(self.directory.path())));
            }
            let is_pending = session.options().detailed_exitcode && !steps.is_empty();
            return Ok(if is_pending {
                ExitStatus::ChangesPending
            } else {
                ExitStatus::Done
            });
        }
        let mut later = Vec::new();
        for step in steps {
            match step {
                UnitStep::Systemctl(words) if self.is_asked => {
                    terminal.step(&format!("systemctl {}", words.join(" ")));
                    let answer = session.systemd().systemctl(words).await;
                    answer.map_err(|error| self.unanswered(words, &error))?;
                }
                UnitStep::Systemctl(words) => later.push(format!("systemctl {}", words.join(" "))),
                step => {
                    terminal.step(&step.tell(self.directory.path()));
                    let done = self.directory.perform(step);
                    done.map_err(|error| self.failure("change", &error))?;
                }
            }
        }
        if later.len() == steps.len() {
            terminal.section("Nothing changed");
        }
        if !later.is_empty() {
            terminal.warn(&format!("systemd was not asked; where it runs: {}", later.join(" && ")));
        }
        Ok(ExitStatus::Done)
    }

    fn failure(&self, verb: &str, error: &std::io::Error) -> CommandError {
        let message = format!("could not {verb} {}: {error}", self.directory.path().display());
        CommandError::new(CommandErrorKind::Failed, message).hint("`psctl init --print` shows the units")
    }

    fn refusal(&self, stranger: Stranger) -> CommandError {
        let hint = format!(
            "move it away from {} first, or use a state directory of another name",
            self.directory.path().display()
        );
        CommandError::new(CommandErrorKind::Failed, stranger).hint(hint)
    }

    fn unanswered(&self, words: &[String], error: &std::io::Error) -> CommandError {
        let message = format!("`systemctl {}` failed: {error}", words.join(" "));
        let failed = CommandError::new(CommandErrorKind::Failed, message);
        let again = "what was done stays: run the same command again when that is mended";
        match self.scope {
            UnitScope::System => failed.hint(again),
            UnitScope::User => failed
                .hint("it needs the user's own systemd: log in as that user, not through su or sudo, or let the user linger")
                .hint(again),
        }
    }
}

/// Without lingering a user's services run only while that user is logged in.
fn warn_of_logout(session: &Session) {
    let user = session.user_name();
    if !session.systemd().lingers(&user) {
        session.terminal().warn(&format!(
            "the services of {user} run only while {user} is logged in; this changes it: loginctl enable-linger {user}"
        ));
    }
}
