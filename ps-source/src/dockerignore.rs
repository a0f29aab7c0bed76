//! A whole `.dockerignore`. Invariant: the last pattern that takes a path or one of its parents decides. Facts are those of
//! moby/patternmatcher and its `ignorefile`; directories are searched whenever a `!` pattern may bring something in them back.

use crate::glob_pattern::GlobPattern;

/// The patterns of a `.dockerignore`, in order.
///
/// ```
/// use ps_source::DockerIgnore;
///
/// let ignore = DockerIgnore::parse(b"# build results\ntarget\n**/*.log\n!keep.log\n")?;
/// assert!(ignore.excludes("target/debug/app"));
/// assert!(ignore.excludes("logs/today.log"));
/// assert!(!ignore.excludes("keep.log"));
/// # Ok::<(), ps_source::DockerIgnoreError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerIgnore {
    rules: Vec<Rule>,
}

/// A line of a `.dockerignore` that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(".dockerignore:{line}: `{pattern}` is not a pattern")]
pub struct DockerIgnoreError {
    /// From 1.
    pub line: usize,
    /// The line without outer blanks.
    pub pattern: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    pattern: GlobPattern,
    brings_back: bool,
}

/// Which rules took a path or one of its parents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken(Vec<bool>);

impl DockerIgnore {
    /// Reads the file. A byte order mark is dropped; `#` is a comment only as a line's first byte.
    pub fn parse(source: &[u8]) -> Result<Self, DockerIgnoreError> {
        let text = String::from_utf8_lossy(source);
        let mut rules = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let trimmed = line.trim();
            if line.starts_with('#') || trimmed.is_empty() {
                continue;
            }
            let (brings_back, pattern) = match trimmed.strip_prefix('!') {
                Some(pattern) => (true, pattern.trim()),
                None => (false, trimmed),
            };
            let cleaned = clean(pattern);
            let error = || DockerIgnoreError {
                line: index + 1,
                pattern: trimmed.to_owned(),
            };
            if pattern.is_empty() {
                return Err(error());
            }
            let pattern = GlobPattern::compile(&cleaned).map_err(|_| error())?;
            rules.push(Rule { pattern, brings_back });
        }
        Ok(Self { rules })
    }

    /// Adds a rule that keeps one file, when it would be left out.
    pub(crate) fn bring_back(&mut self, path: &str) {
        if self.excludes(path) {
            self.rules.push(Rule {
                pattern: GlobPattern::exact(path),
                brings_back: true,
            });
        }
    }

    /// Whether a path, relative to the root and with slashes, is left out.
    pub fn excludes(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let parents = ends.filter_map(|end| path.get(..end));
        self.is_excluded(&parents.fold(Taken::default(), |taken, parent| self.take(parent, &taken)))
    }

    /// What takes this path, when `parent` is what takes its directory. As in Docker, a rule that could change nothing is not
    /// tried, and so does not count as having taken a directory for what is below it.
    pub(crate) fn take(&self, path: &str, parent: &Taken) -> Taken {
        let inherited = parent.0.iter().copied().chain(std::iter::repeat(false));
        let mut is_excluded = false;
        let decide = |(rule, inherited): (&Rule, bool)| {
            let takes = inherited || (rule.brings_back == is_excluded && rule.pattern.matches(path));
            if takes {
                is_excluded = !rule.brings_back;
            }
            takes
        };
        Taken(self.rules.iter().zip(inherited).map(decide).collect())
    }

    /// The answer of the last rule that took it.
    pub(crate) fn is_excluded(&self, taken: &Taken) -> bool {
        let last = self.rules.iter().zip(&taken.0).rfind(|(_, taken)| **taken);
        last.is_some_and(|(rule, _)| !rule.brings_back)
    }

    /// Whether something below an excluded directory may be brought back.
    pub(crate) fn may_bring_back_below(&self, directory: &str) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.brings_back && rule.pattern.may_match_below(directory))
    }
}

/// The shortest way to write a pattern: no `.`, no `..` that can be resolved, no double and no trailing slash; a leading slash
/// means the root, as everything does.
fn clean(pattern: &str) -> String {
    let is_rooted = pattern.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    match (parts.is_empty(), is_rooted) {
        (true, true) => "/".to_owned(),
        (true, false) => ".".to_owned(),
        (false, _) => parts.join("/"),
    }
}
