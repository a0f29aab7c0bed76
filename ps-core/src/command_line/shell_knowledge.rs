//! What only a shell can make something of: its words, its builtins, its own variables, and the shapes of a word that it
//! expands before anything else. Invariant: pure lists and their questions; what bash reads differently from a plain POSIX shell
//! counts too, since bash may be the app's shell.

/// Words that begin a compound command when they stand first and unquoted.
const RESERVED: &[&str] = &[
    "!", "[[", "{", "}", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "time", "until", "while",
];

/// Builtins that act on the shell itself or exist nowhere else. `echo`, `test`, `printf`, `kill` and the like are not among
/// them: images have them as programs.
const BUILTINS: &[&str] = &[
    ".",
    ":",
    "alias",
    "bg",
    "break",
    "builtin",
    "cd",
    "chdir",
    "command",
    "continue",
    "declare",
    "dirs",
    "disown",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "fc",
    "fg",
    "getopts",
    "hash",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "times",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Variables that a shell sets by itself, whatever its environment says. Those of bash that begin with `BASH` come on top.
const OWN_VARIABLES: &[&str] = &[
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HOSTTYPE",
    "IFS",
    "LINENO",
    "MACHTYPE",
    "OLDPWD",
    "OPTIND",
    "OSTYPE",
    "PPID",
    "PS1",
    "PS2",
    "PS4",
    "PWD",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "UID",
    "_",
];

/// Variables that every container has, though no config names them.
const CONTAINER_VARIABLES: &[&str] = &["HOME", "HOSTNAME", "PATH", "SHELL", "TERM"];

/// Stands in a shape for whatever is quoted or expanded.
pub(super) const HIDDEN: char = '\0';

/// Whether a program is a builtin.
pub(super) fn is_builtin(program: &str) -> bool {
    BUILTINS.contains(&program)
}

/// Whether a variable's value is known to the shell only.
pub(super) fn is_own_variable(name: &str) -> bool {
    OWN_VARIABLES.contains(&name) || name.starts_with("BASH")
}

/// Whether a variable that the config does not have has a value in the container all the same.
pub(super) fn is_container_variable(name: &str) -> bool {
    CONTAINER_VARIABLES.contains(&name)
}

/// Whether a word of this shape is more than a word where a command begins: a reserved word, or an assignment, also bash's
/// `X+=1` and `X[0]=1`.
pub(super) fn begins_more_than_words(shape: &str) -> bool {
    let is_assignment = shape.split_once('=').is_some_and(|(left, _)| {
        let left = left.strip_suffix('+').unwrap_or(left);
        is_name(left.split_once('[').map_or(left, |(name, _)| name))
    });
    is_assignment || RESERVED.contains(&shape)
}

/// Whether some shell would expand a word of this shape: `~` at its start, or where a value begins in bash, and bash's `{a,b}`
/// and `{1..9}`.
pub(super) fn is_expanded(shape: &str) -> bool {
    let in_braces = || shape.split_once('{')?.1.rsplit_once('}').map(|(inside, _)| inside);
    let is_list = |inside: &str| inside.contains(',') || inside.contains("..");
    shape.starts_with('~') || shape.contains("=~") || shape.contains(":~") || in_braces().is_some_and(is_list)
}

/// Whether a variable name can begin so.
pub(super) const fn is_name_start(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_'
}

/// Whether a variable name can go on so.
pub(super) const fn is_name_letter(letter: char) -> bool {
    is_name_start(letter) || letter.is_ascii_digit()
}

/// Whether a text is a variable name.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(is_name_start) && text.chars().all(is_name_letter)
}
