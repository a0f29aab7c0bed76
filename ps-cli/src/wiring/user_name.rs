//! Who runs the command. Invariant: a name for people, nothing is decided by it.

use crate::environment::Environment;

/// The longest name that is kept.
const LONGEST: usize = 64;

/// The user behind `sudo`, else the process's own, by name where there is one.
///
/// ```
/// use ps_cli::environment::Environment;
/// use ps_cli::wiring::user_name;
/// let environment = Environment { user_id: 1000, ..Environment::default() };
/// assert_eq!(user_name(&environment, "ann:x:1000:1000::/home/ann:/bin/sh\n"), "ann");
/// assert_eq!(user_name(&environment, ""), "uid 1000");
/// ```
pub fn user_name(environment: &Environment, passwd: &str) -> String {
    let is_name = |name: &&str| !name.is_empty() && !name.chars().any(char::is_control) && name.len() <= LONGEST;
    let behind_sudo = environment.text("SUDO_USER").filter(|_| environment.is_root());
    let id = environment.user_id.to_string();
    let of_line = |line: &'_ str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        (fields.nth(1) == Some(id.as_str())).then_some(name)
    };
    let known = passwd.lines().find_map(of_line);
    let names = [behind_sudo, known.as_deref(), environment.text("USER")];
    let found = names.into_iter().flatten().find(is_name);
    found.map_or_else(|| format!("uid {id}"), str::to_owned)
}
