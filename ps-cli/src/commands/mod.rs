//! One file a group of commands: call, render. [`execute`] is the single place where a command meets its code.
//!
//! Invariant: a command prints nothing but through the session's terminal, and names no adapter.

mod apps;
mod checks;
mod config_edit;
mod config_input;
mod config_read;
mod config_write;
mod deploy;
mod doctor;
mod domains;
mod events;
mod init;
mod links;
mod listen;
mod look;
mod offline;
mod one_off;
mod ports;
mod procfile;
mod procfile_input;
mod properties;
mod proxy;
mod releases;
mod report_value;
mod restore;
mod runs;
mod scale;
mod store_only;
mod use_cases;
mod verbs;

pub use offline::execute_offline;

use ps_core::policies::PropertyGroup;

use crate::arguments::{ChecksSet, Command, PsList, PsSet, ReleasesSet, Run};
use crate::command_error::CommandError;
use crate::exit_status::ExitStatus;
use crate::wiring::Session;

/// How a command ends.
pub type Outcome = Result<ExitStatus, CommandError>;

/// Runs one command.
#[expect(clippy::too_many_lines, reason = "one arm for each command")]
pub async fn execute(command: Command, session: &Session) -> Outcome {
    match command {
        Command::AppsCreate(arguments) => apps::create(&arguments, session).await,
        Command::AppsList(arguments) => apps::list(&arguments, session).await,
        Command::AppsExists(arguments) => apps::exists(&arguments, session).await,
        Command::ConfigSet(arguments) => config_write::set(&arguments, session).await,
        Command::ConfigUnset(arguments) => config_write::unset(&arguments, session).await,
        Command::ConfigClear(arguments) => config_write::clear(&arguments, session).await,
        Command::ConfigKeys(arguments) => config_read::keys(&arguments, session).await,
        Command::ConfigImport(arguments) => config_write::import(&arguments, session).await,
        Command::ConfigGet(arguments) => config_read::get(&arguments, session).await,
        Command::ConfigShow(arguments) => config_read::show(&arguments, session).await,
        Command::ConfigExport(arguments) => config_read::export(&arguments, session).await,
        Command::ProcfileCheck(arguments) => procfile::check(&arguments, session).await,
        Command::ProcfileList(arguments) => procfile::list(&arguments, session).await,
        Command::ProcfileShow(arguments) => procfile::show(&arguments, session).await,
        Command::ReleasesSet(ReleasesSet { global, words }) => {
            properties::set(PropertyGroup::Releases, global, &words, session).await
        }
        Command::LinksAdd(arguments) => links::add(&arguments, session).await,
        Command::LinksList(arguments) => links::list(&arguments, session).await,
        Command::LinksRemove(arguments) => links::remove(&arguments, session).await,
        Command::PsScale(arguments) => scale::scale(&arguments, session).await,
        Command::PsSet(PsSet { global, words }) => properties::set(PropertyGroup::Ps, global, &words, session).await,
        Command::ChecksSet(ChecksSet { global, words }) => {
            properties::set(PropertyGroup::Checks, global, &words, session).await
        }
        Command::ChecksDisable(arguments) => checks::disable(&arguments, session).await,
        Command::ChecksEnable(arguments) => checks::enable(&arguments, session).await,
        Command::ChecksSkip(arguments) => checks::skip(&arguments, session).await,
        Command::ChecksReport(arguments) => checks::report(&arguments, session).await,
        Command::ChecksRun(arguments) => checks::run(&arguments, session).await,

        Command::DomainsAdd(arguments) => domains::add(&arguments, session).await,
        Command::DomainsClear(arguments) => domains::clear(&arguments, session).await,
        Command::DomainsRemove(arguments) => domains::remove(&arguments, session).await,
        Command::DomainsReport(arguments) => domains::report(&arguments, session).await,
        Command::DomainsSet(arguments) => domains::set(&arguments, session).await,
        Command::PortsPublish(arguments) => ports::publish(&arguments, session).await,
        Command::PortsReport(arguments) => ports::report(&arguments, session).await,
        Command::PortsUnpublish(arguments) => ports::unpublish(&arguments, session).await,
        Command::ProxyBuildConfig(arguments) => proxy::build_config(&arguments, session).await,
        Command::ProxyClearConfig(arguments) => proxy::clear_config(&arguments, session).await,
        Command::ProxyReport(arguments) => proxy::report(&arguments, session).await,
        Command::ProxySet(arguments) => proxy::set(&arguments, session).await,

        Command::AppsDestroy(arguments) => apps::destroy(&arguments, session).await,
        Command::AppsRename(arguments) => apps::rename(&arguments, session).await,
        Command::Deploy(arguments) => deploy::deploy(&arguments, session).await,
        Command::GitFromArchive(arguments) => deploy::from_archive(&arguments, session).await,
        Command::GitSync(arguments) => deploy::sync(&arguments, session).await,
        Command::GitLoadImage(arguments) => deploy::load_image(&arguments, session).await,
        Command::GitFromImage(arguments) => deploy::from_image(&arguments, session).await,
        Command::Ps(PsList { app: Some(app) }) => look::processes(&app, session).await,
        Command::PsInspect(arguments) => look::inspect(&arguments, session).await,
        Command::PsRebuild(arguments) => verbs::rebuild(&arguments, session).await,
        Command::PsRebuildall(arguments) => verbs::rebuild_all(&arguments, session).await,
        Command::PsReport(arguments) => look::report(&arguments, session).await,
        Command::PsRestart(arguments) => verbs::restart(&arguments, session).await,
        Command::PsRestartall(arguments) => verbs::restart_all(&arguments, session).await,
        Command::PsRestore(arguments) => restore::restore(&arguments, session).await,
        Command::PsRetire(arguments) => verbs::retire(&arguments, session).await,
        Command::PsRollback(arguments) => releases::rollback(&arguments, session).await,
        Command::Releases(arguments) => releases::list(&arguments, session).await,
        Command::PsStart(arguments) => verbs::start(&arguments, session).await,
        Command::PsStop(arguments) => verbs::stop(&arguments, session).await,
        Command::Events(arguments) => events::events(&arguments, session).await,
        Command::EventsListen(arguments) => listen::listen(&arguments, session).await,
        Command::Logs(arguments) => look::logs(&arguments, session).await,
        Command::Run(arguments) => one_off::run(&arguments, session).await,
        Command::RunDetached(arguments) => {
            let arguments = Run {
                detach: true,
                ..arguments
            };
            one_off::run(&arguments, session).await
        }
        Command::RunList(arguments) => runs::list(&arguments, session).await,
        Command::RunStop(arguments) => runs::stop(&arguments, session).await,
        Command::Enter(arguments) => one_off::enter(&arguments, session).await,
        Command::Init(arguments) => init::init(&arguments, session).await,
        Command::Doctor(arguments) => doctor::doctor(&arguments, session).await,

        // Answered before a session is opened.
        Command::Ps(PsList { app: None })
        | Command::Completions(_)
        | Command::Help(_)
        | Command::Man
        | Command::PsHelp
        | Command::Version => Ok(ExitStatus::Done),
    }
}
