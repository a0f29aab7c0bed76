//! Asks a `docker-credential-…` program. Invariant: it is run without a shell, bounded in time and output, the server goes through
//! standard input, and what it says is never repeated.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ps_core::source::SourceError;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::environment::Environment;
use crate::program_search::find_program;
use crate::refusal::{refused, unreadable, unusable};

/// How long a helper may take; some ask a keyring or a cloud.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that is read of its answer.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// Which helper a registry file names, without `docker-credential-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HelperChoice {
    /// `credHelpers`: for this registry.
    ForRegistry(String),
    /// `credsStore`: for all; where the program is missing, it is passed over, as Docker does.
    ForAll(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// User name and password from the helper; `None` when it knows none.
pub(crate) async fn ask_helper(
    environment: &Environment,
    choice: &HelperChoice,
    server: &str,
) -> Result<Option<(String, String)>, SourceError> {
    let (HelperChoice::ForRegistry(name) | HelperChoice::ForAll(name)) = choice;
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    {
        return Err(refused(
            "a registry file names a credential helper that is no program name",
            "mend the file",
        ));
    }
    let program = format!("docker-credential-{name}");
    let Some(path) = find_program(environment, &program) else {
        return match choice {
            HelperChoice::ForAll(_) => Ok(None),
            HelperChoice::ForRegistry(_) => {
                let hint = format!("install {program}, or remove it from `credHelpers`");
                Err(unusable(
                    format!("the credential helper {program} for {server} is not in PATH"),
                    hint,
                ))
            }
        };
    };
    let hint = format!("run `{program} get` by hand, with `{server}` on its standard input");
    let failed = |how: String| unusable(format!("the credential helper {program} {how}"), hint.clone());
    let outcome = tokio::time::timeout(PATIENCE, converse(&path, server)).await;
    let outcome = outcome.map_err(|_| failed(format!("did not answer in {} s", PATIENCE.as_secs())))?;
    let (succeeded, output) =
        outcome.map_err(|cause| unreadable(format!("the credential helper {program} could not be asked"), cause))?;
    if !succeeded {
        // What helpers say when there is simply no entry; their protocol has no other sign.
        let knows_none = String::from_utf8_lossy(&output)
            .to_ascii_lowercase()
            .contains("credentials not found");
        return if knows_none {
            Ok(None)
        } else {
            Err(failed("failed".to_owned()))
        };
    }
    match serde_json::from_slice::<Answer>(&output) {
        Ok(answer) if answer.username.is_empty() => Ok(None),
        Ok(answer) => Ok(Some((answer.username, answer.secret))),
        Err(_) => Err(failed("gave no valid answer".to_owned())),
    }
}

/// Runs the helper; dropped, it is killed.
async fn converse(program: &Path, server: &str) -> std::io::Result<(bool, Vec<u8>)> {
    let mut command = Command::new(program);
    command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        match input.write_all(server.as_bytes()).await {
            // A helper may answer without reading.
            Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => return Err(cause),
            _ => {}
        }
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(ANSWER_LIMIT).read_to_end(&mut output).await?;
    }
    Ok((child.wait().await?.success(), output))
}
