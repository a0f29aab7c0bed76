//! A command with its environment as a script that a shell reads from its standard input, so that the values stand in no description of
//! a container. Invariant: a script that does not arrive whole runs nothing and fails.

use std::fmt::Write;

use crate::config::Config;

/// What the shell does with its input: one line, and only when its end has come. `$1` is a line end, which the line cannot hold.
const READ_ONE_LINE: &str = r#"IFS= read -r line && eval "$line""#;

/// A command, the variables it gets, and the shell that runs it. `Debug` shows the names of the variables alone.
///
/// ```
/// use ps_core::config::Config;
/// use ps_core::shell_script::ShellScript;
/// let mut variables = Config::default();
/// variables.set("SECRET", "it's")?;
/// let script = ShellScript { shell: "/bin/sh".into(), variables, command: "rake assets".into() };
/// assert_eq!(script.line(), r"export SECRET='it'\''s'; exec '/bin/sh' -e -c 'rake assets' </dev/null".to_owned() + "\n");
/// assert!(!format!("{script:?}").contains("it's"));
/// # Ok::<(), ps_core::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellScript {
    /// The shell's path inside the container.
    pub shell: String,
    /// Exported to the command.
    pub variables: Config,
    /// What it runs, ending at the first error. Its standard input is empty.
    pub command: String,
}

impl ShellScript {
    /// The arguments of the shell that reads the script.
    pub fn arguments() -> Vec<String> {
        ["-c", READ_ONE_LINE, "psctl", "\n"].map(str::to_owned).to_vec()
    }

    /// What is sent to its standard input.
    pub fn line(&self) -> String {
        let mut line = String::new();
        for (name, value) in self.variables.iter() {
            // Writing to a string cannot fail.
            let _ = write!(line, "export {name}={}; ", quoted(value));
        }
        let (shell, command) = (quoted(&self.shell), quoted(&self.command));
        let _ = writeln!(line, "exec {shell} -e -c {command} </dev/null");
        line
    }
}

/// One word for a shell, without line ends.
fn quoted(text: &str) -> String {
    let text = text.replace('\'', r"'\''").replace('\n', r#"'"$1"'"#);
    format!("'{text}'")
}
