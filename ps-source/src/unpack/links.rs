//! Where symbolic links lead. Invariant: pure; a link is followed as the system would, through every other link, and one that
//! would pass the root at any step is found.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// As many links as the system follows in one path.
const MOST_LINKS: usize = 40;

/// Why a link is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkFault {
    /// It leads out of the root.
    LeadsOut,
    /// It leads to itself, or through too many others.
    Circle,
}

/// Follows a link that stands in the directory `from`. `link_at` gives the target of what is a link itself. Both are
/// relative to the place above `root`; what is not there counts as a directory.
pub(super) fn check_link<'a>(
    root: &Path,
    from: &Path,
    target: &'a Path,
    link_at: impl Fn(&Path) -> Option<&'a Path>,
) -> Result<(), LinkFault> {
    let mut place: PathBuf = from.to_owned();
    let mut waiting: VecDeque<Step> = steps(target).collect();
    let mut followed = 0;
    while let Some(step) = waiting.pop_front() {
        match step {
            Step::Root => return Err(LinkFault::LeadsOut),
            Step::Up => {
                if place == root || !place.pop() {
                    return Err(LinkFault::LeadsOut);
                }
            }
            Step::Down(name) => {
                place.push(name);
                let Some(next) = link_at(&place) else { continue };
                place.pop();
                followed += 1;
                if followed > MOST_LINKS {
                    return Err(LinkFault::Circle);
                }
                for step in steps(next).collect::<Vec<_>>().into_iter().rev() {
                    waiting.push_front(step);
                }
            }
        }
    }
    Ok(())
}

enum Step {
    Root,
    Up,
    Down(OsString),
}

fn steps(path: &Path) -> impl Iterator<Item = Step> + '_ {
    path.components().filter_map(|component| match component {
        Component::RootDir | Component::Prefix(_) => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Down(name.to_owned())),
        Component::CurDir => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn check(links: &[(&str, &str)], root: &str, link: &str) -> Result<(), LinkFault> {
        let links: BTreeMap<PathBuf, PathBuf> = links.iter().map(|(at, to)| (at.into(), to.into())).collect();
        let from = Path::new(link).parent().unwrap();
        let link_at = |path: &Path| links.get(path).map(PathBuf::as_path);
        check_link(Path::new(root), from, &links[Path::new(link)], link_at)
    }

    #[test]
    fn links_are_followed_as_the_system_does() {
        let out = Err(LinkFault::LeadsOut);
        for (target, expected) in [
            ("b", Ok(())),
            ("./b/../c", Ok(())),
            ("nothing/here", Ok(())),
            ("/etc/passwd", out),
            ("..", out),
            ("b/../..", out),
            ("b/../../app/x", out),
        ] {
            assert_eq!(check(&[("a", target)], "", "a"), expected, "{target}");
        }
        assert_eq!(check(&[("d/a", "..")], "", "d/a"), Ok(()));
        assert_eq!(check(&[("d/a", "../..")], "", "d/a"), out);
        assert_eq!(check(&[("top/a", "..")], "top", "top/a"), out);
        assert_eq!(check(&[("top/d/a", "../b")], "top", "top/d/a"), Ok(()));
    }

    #[test]
    fn a_link_that_leads_out_through_another_is_found() {
        // Read as text, x stays inside: a/b/secret.
        let links = [("a/b/up", "../.."), ("x", "a/b/up/../secret")];
        assert_eq!(check(&links, "", "a/b/up"), Ok(()));
        assert_eq!(check(&links, "", "x"), Err(LinkFault::LeadsOut));
    }

    #[test]
    fn links_in_a_circle_are_found() {
        assert_eq!(check(&[("a", "a")], "", "a"), Err(LinkFault::Circle));
        assert_eq!(check(&[("a", "b/x"), ("b", "a/y")], "", "a"), Err(LinkFault::Circle));
    }
}
