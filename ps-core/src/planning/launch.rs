//! What a replica's container is made of: command, environment, labels, limits.

use crate::command_line::{CommandForm, split_command};
use crate::labels::{self, links_label, one_off_labels, replica_labels};
use crate::names::{Generation, NameStage, OneOffKind, ProcessType, Replica, container_name, one_off_name};
use crate::planning::Situation;
use crate::planning::links::first_network;
use crate::policies::RestartPolicy;
use crate::release::{Processes, Release};
use crate::runtime::{ContainerSpec, EnvVar, PublishedPort, TerminalMode};
use crate::shell_script::ShellScript;

/// The log size limit of app containers: 10 MiB a file.
const LOG_MAX_BYTES: u64 = 10 * 1024 * 1024;

/// The port of `web` when neither the config nor the image names one.
pub(crate) const DEFAULT_PORT: u16 = 5000;

/// Why a container cannot be described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// `PORT` in the config is no port.
    #[error("the config variable PORT is not a port: it must be a number from 1 to 65535")]
    InvalidPort,
    /// A path check asks a port that nothing outside can reach.
    #[error(
        "a check of {process_type} asks port {port}, and only port {published} of its containers can be reached on this engine"
    )]
    PortNotPublished {
        /// The type.
        process_type: ProcessType,
        /// The port that the check asks.
        port: u16,
        /// The one that can be reached.
        published: u16,
    },
    /// A listening check is required, and nobody sees on which ports the containers listen.
    #[error("a check of {process_type} asks whether it listens, and this engine's processes cannot be seen from here")]
    ListeningUnseen {
        /// The type.
        process_type: ProcessType,
    },
}

/// The port that `web` listens on: the config's own `PORT`, else the only exposed port of the image, else 5000.
///
/// # Errors
/// [`LaunchError::InvalidPort`] when the config's `PORT` is no port number.
pub fn web_port(release: &Release) -> Result<u16, LaunchError> {
    if let Some(port) = release.config.get("PORT") {
        return port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or(LaunchError::InvalidPort);
    }
    match release.image.detail.exposed_ports.as_slice() {
        [port] => Ok(*port),
        _ => Ok(DEFAULT_PORT),
    }
}

/// Whether the release has something to run for a type.
pub(crate) fn has_command(situation: &Situation, release: &Release, process_type: &ProcessType) -> bool {
    if process_type.is_release() {
        return false;
    }
    if process_type.is_web() && situation.policies.start_command.is_some() {
        return true;
    }
    match &release.processes {
        Processes::Procfile(commands) => commands.contains_key(process_type),
        Processes::ImageDefault => {
            let detail = &release.image.detail;
            process_type.is_web() && !(detail.command.is_empty() && detail.entrypoint.is_empty())
        }
    }
}

/// The container of a replica, without its address.
pub(crate) fn replica_spec(
    situation: &Situation,
    release: &Release,
    replica: &Replica,
    generation: Generation,
) -> Result<ContainerSpec, LaunchError> {
    let app = &situation.record.name;
    let name = container_name(app, replica, NameStage::Upcoming(generation));
    let process_type = replica.process_type();
    let port = if process_type.is_web() {
        Some(web_port(release)?)
    } else {
        None
    };
    let start_command = situation
        .policies
        .start_command
        .as_deref()
        .filter(|_| process_type.is_web());
    let command = start_command.or_else(|| release.processes.command(process_type));
    let mut spec = common_spec(situation, release, name, command, &replica.to_string(), port);
    spec.labels = replica_labels(&situation.owner, app, replica, release.number, generation);
    spec.labels.extend(links_label(&situation.record.links));
    spec.restart_policy = situation.policies.restart;
    if let (Some(host_port), Some(container_port)) = (situation.record.published_port, port) {
        spec.published_ports.push(PublishedPort {
            host_address: std::net::Ipv4Addr::UNSPECIFIED.into(),
            host_port,
            container_port,
        });
    }
    Ok(spec)
}

/// A one-off container that runs a command line as a replica of the release would.
pub(crate) fn one_off_spec(
    situation: &Situation,
    release: &Release,
    kind: OneOffKind,
    generation: Generation,
    command: &str,
) -> ContainerSpec {
    let app = &situation.record.name;
    let name = one_off_name(app, kind, generation);
    let dyno = format!("{kind}.{generation}");
    let mut spec = common_spec(situation, release, name, Some(command), &dyno, None);
    spec.labels = one_off_labels(&situation.owner, app, kind, generation);
    spec.labels
        .insert(labels::RELEASE.to_owned(), release.number.0.to_string());
    spec.labels.extend(links_label(&situation.record.links));
    spec.restart_policy = RestartPolicy::No;
    spec
}

/// The container of the predeploy command: the shell, which reads its script from the standard input. It has no
/// environment of its own, since an image that is committed from it would keep that; and no init, so that a missing shell fails the start.
pub(crate) fn predeploy_spec(situation: &Situation, release: &Release, generation: Generation) -> ContainerSpec {
    let (app, kind) = (&situation.record.name, OneOffKind::Predeploy);
    let name = one_off_name(app, kind, generation);
    let mut spec = common_spec(situation, release, name, None, "", None);
    spec.env.clear();
    spec.entrypoint = Some(vec![situation.policies.shell.clone()]);
    spec.command = Some(ShellScript::arguments());
    spec.labels = one_off_labels(&situation.owner, app, kind, generation);
    spec.restart_policy = RestartPolicy::No;
    spec.terminal = TerminalMode::Input;
    spec.init = false;
    spec
}

/// What the shell of the predeploy command reads.
pub(crate) fn predeploy_script(
    situation: &Situation,
    release: &Release,
    generation: Generation,
    command: &str,
) -> ShellScript {
    let mut variables = release.config.clone();
    // The name is valid and the value holds no NUL, so this cannot fail.
    let _ = variables.set("DYNO", format!("{}.{generation}", OneOffKind::Predeploy));
    ShellScript {
        shell: situation.policies.shell.clone(),
        variables,
        command: command.to_owned(),
    }
}

fn common_spec(
    situation: &Situation,
    release: &Release,
    name: String,
    command: Option<&str>,
    dyno: &str,
    port: Option<u16>,
) -> ContainerSpec {
    let policies = &situation.policies;
    let mut variables = release.config.clone();
    // Both names are valid and hold no NUL, so these cannot fail.
    let _ = variables.set("DYNO", dyno);
    if let Some(port) = port {
        let _ = variables.set("PORT", port.to_string());
    }
    let mut spec = ContainerSpec::new(name, release.image.id.0.clone());
    spec.command = command.map(|command| command_words(command, &policies.shell, &variables));
    spec.env = variables
        .iter()
        .map(|(name, value)| EnvVar {
            name: name.to_owned(),
            value: value.to_owned(),
        })
        .collect();
    spec.stop_timeout = Some(policies.stop_timeout);
    spec.init = policies.init && situation.capabilities.has_init;
    spec.ulimits.clone_from(&policies.ulimits);
    spec.log_max_bytes = situation.capabilities.limits_log_size.then_some(LOG_MAX_BYTES);
    spec.network = first_network(situation);
    spec
}

fn command_words(command: &str, shell: &str, variables: &crate::config::Config) -> Vec<String> {
    match split_command(command, |name| variables.get(name).map(str::to_owned)) {
        CommandForm::Words(words) if !words.is_empty() => words,
        // With no words at all an engine would run the image's own command; a shell runs nothing.
        CommandForm::Words(_) | CommandForm::NeedsShell => vec![shell.to_owned(), "-c".to_owned(), command.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_command_that_expands_to_nothing_never_becomes_the_images_own() {
        let words = command_words("$UNSET", "/bin/sh", &Config::default());
        assert_eq!(words, ["/bin/sh", "-c", "$UNSET"]);
    }
}
