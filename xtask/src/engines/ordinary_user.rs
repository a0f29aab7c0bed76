//! The ordinary user that the rootless engine runs as, with a home and ranges of subordinate ids.

use std::fs;
use std::path::PathBuf;

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::program::{clean_command, run_quietly};
use crate::say;

/// The user's name on every machine.
pub(crate) const USER: &str = "psctl-test";

/// How many subordinate ids a user gets, as `useradd` gives by default.
const RANGE: u64 = 65_536;

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrdinaryUser {
    /// The login name.
    pub(crate) name: String,
    /// The user id.
    pub(crate) uid: u32,
    /// The primary group's id.
    pub(crate) gid: u32,
    /// The home folder.
    pub(crate) home: PathBuf,
}

impl OrdinaryUser {
    /// Where the user's sockets and locks go (`XDG_RUNTIME_DIR`).
    pub(crate) fn runtime_folder(&self) -> PathBuf {
        PathBuf::from(format!("/run/user/{}", self.uid))
    }
}

/// The user when it exists.
pub(crate) fn find_user() -> Outcome<Option<OrdinaryUser>> {
    let passwd = fs::read_to_string("/etc/passwd").while_doing(|| "read /etc/passwd".to_owned())?;
    Ok(parse_passwd(&passwd, USER))
}

/// The user, made when missing.
pub(crate) fn ensure_user() -> Outcome<OrdinaryUser> {
    if find_user()?.is_none() {
        say(&format!("engines: adding the user {USER}"));
        run_quietly(clean_command("useradd", "/root").args(["-m", "-s", "/bin/sh", USER]))?;
    }
    ensure_range("/etc/subuid", "--add-subuids")?;
    ensure_range("/etc/subgid", "--add-subgids")?;
    find_user()?.ok_or_else(|| Failure::new(format!("useradd ran, but there is no user {USER}")))
}

fn ensure_range(file: &str, option: &str) -> Outcome<()> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let Some(first) = range_to_add(&text, USER) else {
        return Ok(());
    };
    let range = format!("{first}-{}", first + RANGE - 1);
    run_quietly(clean_command("usermod", "/root").args([option, &range, USER])).map(|_| ())
}

/// The first id of a range beyond all others, or `None` when `user` has one.
fn range_to_add(text: &str, user: &str) -> Option<u64> {
    let mut next = 100_000;
    for line in text.lines() {
        let mut fields = line.split(':');
        let owner = fields.next().unwrap_or_default();
        let first: u64 = fields.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let count: u64 = fields.next().and_then(|word| word.trim().parse().ok()).unwrap_or(0);
        if owner == user && count >= RANGE {
            return None;
        }
        next = next.max(first + count);
    }
    Some(next)
}

fn parse_passwd(text: &str, user: &str) -> Option<OrdinaryUser> {
    let line = text.lines().find(|line| line.split(':').next() == Some(user))?;
    let fields: Vec<&str> = line.split(':').collect();
    Some(OrdinaryUser {
        name: user.to_owned(),
        uid: fields.get(2)?.parse().ok()?,
        gid: fields.get(3)?.parse().ok()?,
        home: PathBuf::from(fields.get(5)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_from_its_own_line_only() {
        let passwd = "psctl-test2:x:7:7::/h2:/bin/sh\npsctl-test:x:1001:1002::/home/t:/bin/sh\n";
        let user = parse_passwd(passwd, USER).unwrap();
        assert_eq!((user.uid, user.gid, user.home), (1001, 1002, PathBuf::from("/home/t")));
        assert_eq!(parse_passwd("root:x:0:0::/root:/bin/sh", USER), None);
    }

    #[test]
    fn a_range_is_added_beyond_the_others_and_only_once() {
        assert_eq!(range_to_add("", USER), Some(100_000));
        assert_eq!(range_to_add("other:100000:65536\n", USER), Some(165_536));
        assert_eq!(range_to_add("psctl-test:100000:65536\n", USER), None);
    }
}
