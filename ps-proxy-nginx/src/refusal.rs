//! What nginx says about a configuration, told in terms of the one who can mend it. Invariant: every line that nginx said is kept.

use std::path::{Path, PathBuf};

use ps_core::names::AppName;
use ps_core::proxy::{ProxyError, ProxyErrorKind};

/// The size that is enough for the longest domain.
pub(crate) const HASH_BUCKET_SIZE: u32 = 512;

/// A site whose file is new in the configuration that was tested.
#[derive(Debug)]
pub(crate) struct NewSite<'a> {
    pub(crate) app: &'a AppName,
    pub(crate) template: Option<&'a Path>,
    /// Its file.
    pub(crate) path: PathBuf,
    /// The text of it.
    pub(crate) text: &'a str,
    /// The domains that its old file did not have.
    pub(crate) new_domains: Vec<&'a str>,
}

/// Whether nginx wants more room for long names.
pub(crate) fn wants_larger_buckets(said: &[String]) -> bool {
    said.iter()
        .any(|line| line.contains("[emerg]") && line.contains("increase server_names_hash_bucket_size"))
}

/// Whether nginx says that somebody else sets that room already.
pub(crate) fn has_buckets_twice(said: &[String]) -> bool {
    said.iter()
        .any(|line| line.contains("\"server_names_hash_bucket_size\" directive is duplicate"))
}

/// That the room for names is set, but too small.
pub(crate) fn too_small_buckets(said: Vec<String>) -> ProxyError {
    let message = "nginx's configuration has too little room for these domains";
    let mut failure = ProxyError::new(ProxyErrorKind::Refused, message);
    failure.said = said;
    failure.hint = Some(format!(
        "set `server_names_hash_bucket_size {HASH_BUCKET_SIZE};` in the http block of nginx's configuration"
    ));
    failure
}

/// Why a configuration is refused, with what nginx said.
pub(crate) fn refusal(said: Vec<String>, sites: &[NewSite<'_>]) -> ProxyError {
    let fault = said.iter().find_map(|line| Fault::read(line));
    let (message, hint) = match &fault {
        None => ("nginx refuses the configuration".to_owned(), None),
        Some(fault) => match fault.site(sites) {
            Some((site, line)) => of_site(&fault.words, site, line),
            None => (format!("nginx refuses the configuration: {}", fault.whole), None),
        },
    };
    let mut failure = ProxyError::new(ProxyErrorKind::Refused, message);
    failure.said = said;
    failure.hint = hint;
    failure
}

fn of_site(words: &str, site: &NewSite<'_>, line: usize) -> (String, Option<String>) {
    let rendered = site.text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
    let Some(template) = site.template else {
        return (
            format!("nginx refuses the file of {}: {words} in `{rendered}`", site.app),
            None,
        );
    };
    let place = template_line(template, rendered)
        .map(|line| format!(":{line}"))
        .unwrap_or_default();
    let template = template.display();
    (
        format!(
            "nginx refuses what the template {template}{place} of {} makes: {words} in `{rendered}`",
            site.app
        ),
        Some(format!("correct {template}")),
    )
}

/// The line of a template that a rendered line comes from, when it stands there as it is and only once.
fn template_line(template: &Path, rendered: &str) -> Option<usize> {
    let text = std::fs::read_to_string(template).ok()?;
    let mut same = text.lines().enumerate().filter(|(_, line)| line.trim() == rendered);
    let (index, _) = same.next().filter(|_| !rendered.is_empty())?;
    same.next().is_none().then_some(index + 1)
}

/// That somebody else answers for a domain already; nginx would only warn, and one of the two would get no requests.
pub(crate) fn conflict(said: &[String], sites: &[NewSite<'_>]) -> Option<ProxyError> {
    let names = said.iter().filter_map(|line| {
        let (_, rest) = line.split_once("conflicting server name \"")?;
        rest.split('"').next()
    });
    let (site, name) = names.into_iter().find_map(|name| {
        let site = sites.iter().find(|site| site.new_domains.contains(&name))?;
        Some((site, name))
    })?;
    let message = format!("{name} of {} has a server in nginx's configuration already", site.app);
    let mut failure = ProxyError::new(ProxyErrorKind::Refused, message);
    failure.said = said.to_vec();
    failure.hint = Some(format!(
        "psctl domains:set {} <another domain>, or remove that server",
        site.app
    ));
    Some(failure)
}

/// The first thing that nginx cannot go on with.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    /// With its place.
    whole: String,
    /// Without it.
    words: String,
    file: Option<PathBuf>,
    line: usize,
}

impl Fault {
    /// Out of `nginx: [emerg] unknown directive "x" in /etc/nginx/nginx.conf:3`.
    fn read(line: &str) -> Option<Self> {
        let (_, whole) = line.split_once("[emerg] ")?;
        // What was started as a daemon writes its process id in front.
        let whole = match whole.split_once(": ") {
            Some((ids, rest)) if ids.chars().all(|letter| letter.is_ascii_digit() || letter == '#') => rest,
            _ => whole,
        };
        let place = whole.rsplit_once(" in ").and_then(|(words, place)| {
            let (file, line) = place.rsplit_once(':')?;
            Some((words, file, line.parse().ok()?))
        });
        let (words, file, line) = match place {
            Some((words, file, line)) => (words, Some(PathBuf::from(file)), line),
            None => (whole, None, 0),
        };
        Some(Self {
            whole: whole.to_owned(),
            words: words.to_owned(),
            file,
            line,
        })
    }

    fn site<'a, 'b>(&self, sites: &'a [NewSite<'b>]) -> Option<(&'a NewSite<'b>, usize)> {
        let file = self.file.as_ref()?;
        let site = sites.iter().find(|site| site.path == *file)?;
        Some((site, self.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> AppName {
        "shop".parse().unwrap()
    }

    fn site<'a>(app: &'a AppName, template: Option<&'a Path>) -> NewSite<'a> {
        NewSite {
            app,
            template,
            path: "/g/1/apps/shop.conf".into(),
            text: "server {\n    bananas on;\n}\n",
            new_domains: vec!["shop.example.com"],
        }
    }

    fn said(line: &str) -> Vec<String> {
        vec![
            line.to_owned(),
            "nginx: configuration file /t/x.conf test failed".to_owned(),
        ]
    }

    #[test]
    fn a_fault_of_a_template_names_its_line_there() {
        let folder = tempfile::tempdir().unwrap();
        let template = folder.path().join("shop.conf.j2");
        std::fs::write(&template, "{# one #}\n\nserver {\n  bananas on;\n}\n").unwrap();
        let app = shop();
        let line = "nginx: [emerg] unknown directive \"bananas\" in /g/1/apps/shop.conf:2";
        let failure = refusal(said(line), &[site(&app, Some(&template))]);
        let place = template.display().to_string();
        assert_eq!(
            failure.message,
            format!(
                "nginx refuses what the template {place}:4 of shop makes: unknown directive \"bananas\" in `bananas on;`"
            )
        );
        assert_eq!(failure.hint, Some(format!("correct {place}")));
        assert_eq!(failure.said.len(), 2);
    }

    #[test]
    fn a_fault_elsewhere_is_told_as_it_is() {
        let app = shop();
        let line = "nginx: [emerg] unknown directive \"x\" in /etc/nginx/nginx.conf:3";
        let failure = refusal(said(line), &[site(&app, None)]);
        assert_eq!(
            failure.message,
            "nginx refuses the configuration: unknown directive \"x\" in /etc/nginx/nginx.conf:3"
        );
        let silent = refusal(Vec::new(), &[]);
        assert_eq!(silent.kind, ProxyErrorKind::Refused);
    }

    #[test]
    fn the_id_of_a_daemon_is_left_out() {
        let line = "2026/01/01 00:00:00 [emerg] 12#12: bind() to 0.0.0.0:80 failed (98: Address already in use)";
        assert_eq!(
            Fault::read(line).unwrap().words,
            "bind() to 0.0.0.0:80 failed (98: Address already in use)"
        );
    }

    #[test]
    fn a_new_domain_that_another_server_has_is_a_conflict() {
        let app = shop();
        let warned = |name: &str| {
            vec![format!(
                "nginx: [warn] conflicting server name \"{name}\" on 0.0.0.0:80, ignored"
            )]
        };
        let failure = conflict(&warned("shop.example.com"), &[site(&app, None)]).unwrap();
        assert!(failure.message.contains("shop.example.com of shop"));
        assert!(failure.hint.unwrap().starts_with("psctl domains:set shop "));
        assert!(conflict(&warned(""), &[site(&app, None)]).is_none());
        assert!(conflict(&warned("other.example.com"), &[site(&app, None)]).is_none());
    }
}
