//! What to do about a link or a network that cannot be used: part of [`crate::command_error`].

use ps_core::operations::OperationError;
use ps_core::planning::{LinkFault, LinkProblem};

use crate::command_error::{CommandError, CommandErrorKind};

/// A link or a network that cannot be used, with what to do about it.
pub(crate) fn link_error(error: OperationError) -> CommandError {
    let hint = match &error {
        OperationError::Link(fault) => link_hint(fault),
        OperationError::AliasTaken { app, link } => {
            format!("give another alias, or end that link first with `psctl links:remove {app} {link}`")
        }
        OperationError::NoSuchLink { .. } => {
            return CommandError::usage(error).hint("`psctl links:list <app>` shows them");
        }
        OperationError::SubnetTaken { .. } => {
            "name a free one with PSCTL_SUBNET, for example PSCTL_SUBNET=10.222.0.0/16".to_owned()
        }
        _ => "remove that network, or choose another name for the app".to_owned(),
    };
    CommandError::new(CommandErrorKind::Failed, error).hint(hint)
}

fn link_hint(
    LinkFault {
        app,
        container,
        problem,
    }: &LinkFault,
) -> String {
    let remove = format!("`psctl links:remove {app} {container}` ends the link");
    match problem {
        LinkProblem::Missing => format!("create the container {container} again; or {remove}"),
        LinkProblem::OfAnApp => {
            format!("containers of apps are replaced and renamed, so link one that psctl did not make; {remove}")
        }
        LinkProblem::Unjoinable => format!(
            "run {container} in a network with its own addresses, made with `network create` and named with `--network`; or {remove}"
        ),
    }
}
