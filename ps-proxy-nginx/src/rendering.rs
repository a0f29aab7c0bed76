//! Texts of nginx files out of templates. Invariant: the same values give the same text, and a name that a template does not know
//! is an error, never an empty place.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Enumerator, Object, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use ps_core::names::ProcessType;
use ps_core::proxy::{ProxyError, ProxyErrorKind, Site, SiteSettings, Upstream};

use crate::durable_file::read_bounded;
use crate::number_question::number_host;

/// The built-in template of a site.
const SITE: &str = "site.conf.j2";

/// The one of what all sites share.
const BASE: &str = "base.conf.j2";

/// The one of the main configuration of an nginx of psctl's own.
const OWN_MAIN: &str = "nginx.conf.j2";

/// The built-in templates, ready.
static BUILT_IN: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = environment();
    for (name, source) in [
        (SITE, include_str!("templates/site.conf.j2")),
        (BASE, include_str!("templates/base.conf.j2")),
        (OWN_MAIN, include_str!("templates/nginx.conf.j2")),
    ] {
        // One that is wrong is missing when it is rendered; every test renders all of them.
        let _ = environment.add_template(name, source);
    }
    environment
});

/// The most steps a template may take: one with a loop that does not end is an error.
const FUEL: u64 = 2_000_000;

/// What every file of one state directory agrees on.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The first digits of the owner token.
    pub(crate) short_owner: String,
    /// The TCP port for apps.
    pub(crate) port: u16,
    /// Whether this host has IPv6 addresses.
    pub(crate) has_ipv6: bool,
    /// Whether nginx belongs to psctl alone.
    pub(crate) is_own: bool,
}

impl Surroundings {
    fn listen(&self, port: u16) -> Vec<Value> {
        let any = Some(format!("listen {port};"));
        let ipv6 = self.has_ipv6.then(|| format!("listen [::]:{port};"));
        any.into_iter().chain(ipv6).map(Value::from).collect()
    }

    fn variables(&self) -> Value {
        let variable = |name: &str| format!("$psctl_{}_{name}", self.short_owner);
        context! {
            connection => variable("connection"),
            host => variable("host"),
            is_trusted => variable("is_trusted"),
            forwarded_for => variable("forwarded_for"),
            forwarded_proto => variable("forwarded_proto"),
            forwarded_host => variable("forwarded_host"),
            forwarded_port => variable("forwarded_port"),
        }
    }

    /// The file of what all sites share, for a generation. It listens on these ports too, which files of apps still have.
    pub(crate) fn base_text(
        &self,
        number: u64,
        ports_of_before: &BTreeSet<u16>,
        hash_bucket_size: Option<u32>,
    ) -> Result<String, ProxyError> {
        let ports = std::iter::once(self.port).chain(ports_of_before.iter().copied());
        let values = context! {
            listen => ports.flat_map(|port| self.listen(port)).collect::<Vec<Value>>(),
            has_ipv6 => self.has_ipv6,
            variables => self.variables(),
            number_host => number_host(&self.short_owner),
            is_own => self.is_own,
            number => number,
            http_port => self.port,
            hash_bucket_size => hash_bucket_size,
        };
        render_built_in(BASE, values)
    }

    /// The file of an app, out of its own template or the built-in one.
    pub(crate) fn site_text(&self, site: &Site, number: u64) -> Result<String, ProxyError> {
        let values = self.site_values(site, number);
        match &site.settings.template {
            None => render_built_in(SITE, values),
            Some(path) => site_of_template(site, path, values),
        }
    }

    fn site_values(&self, site: &Site, number: u64) -> Value {
        let domains = site.settings.domains.iter().map(|domain| Value::from(domain.as_str()));
        context! {
            app => site.app.as_str(),
            name => format!("psctl-{}-{}", self.short_owner, site.app),
            domains => domains.collect::<Vec<Value>>(),
            upstreams => Value::from_object(Upstreams(site.upstreams.clone())),
            listen => self.listen(self.port),
            http_port => self.port,
            number => number,
            settings => settings(&site.settings),
            variables => self.variables(),
        }
    }
}

fn site_of_template(site: &Site, path: &Path, values: Value) -> Result<String, ProxyError> {
    let source = read_bounded(path).map_err(|error| {
        let message = format!("the template {} of {} cannot be read", path.display(), site.app);
        let mut failure = ProxyError::new(ProxyErrorKind::Template, message);
        failure.source = Some(Box::new(error));
        failure
    })?;
    render(&source, values).map_err(|error| {
        let place = error.line().map(|line| format!(":{line}")).unwrap_or_default();
        let message = format!(
            "the template {}{place} of {} cannot be rendered: {}",
            path.display(),
            site.app,
            in_words(&error)
        );
        let mut failure = ProxyError::new(ProxyErrorKind::Template, message);
        failure.hint = Some("docs/nginx-template.md lists what a template may use".to_owned());
        failure
    })
}

fn settings(settings: &SiteSettings) -> Value {
    // What waited for its answer to the end is not repeated, also where repeating would be allowed.
    let next_upstream = (settings.connect_timeout * 2).min(settings.read_timeout);
    context! {
        body_limit => settings.body_limit,
        connect_timeout => nginx_time(settings.connect_timeout),
        read_timeout => nginx_time(settings.read_timeout),
        send_timeout => nginx_time(settings.send_timeout),
        next_upstream_timeout => nginx_time(next_upstream),
    }
}

/// A time as nginx writes it. It is never 0, which would mean something else.
fn nginx_time(time: Duration) -> String {
    let milliseconds = time.as_millis().max(1);
    if milliseconds.is_multiple_of(1000) {
        format!("{}s", milliseconds / 1000)
    } else {
        format!("{milliseconds}ms")
    }
}

/// The containers by type: a list for every process type, an empty one for a type without containers.
#[derive(Debug)]
struct Upstreams(Vec<Upstream>);

impl Object for Upstreams {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let process_type: ProcessType = key.as_str()?.parse().ok()?;
        let of_type = self
            .0
            .iter()
            .filter(|upstream| *upstream.replica.process_type() == process_type);
        Some(Value::from(of_type.map(upstream_value).collect::<Vec<Value>>()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let mut types: Vec<&str> = self
            .0
            .iter()
            .map(|upstream| upstream.replica.process_type().as_str())
            .collect();
        types.sort_unstable();
        types.dedup();
        Enumerator::Values(types.into_iter().map(Value::from).collect())
    }
}

fn upstream_value(upstream: &Upstream) -> Value {
    context! {
        address => upstream.address.to_string(),
        ip => upstream.address.ip().to_string(),
        port => upstream.address.port(),
        replica => upstream.replica.to_string(),
        container => upstream.container.short(),
    }
}

fn render_built_in(name: &str, values: Value) -> Result<String, ProxyError> {
    let rendered = BUILT_IN.get_template(name).and_then(|template| template.render(values));
    rendered.map_err(|error| {
        let message = format!("a built-in template cannot be rendered: {}", in_words(&error));
        ProxyError::new(ProxyErrorKind::Failed, message)
    })
}

fn render(source: &str, values: Value) -> Result<String, minijinja::Error> {
    environment().render_named_str("template", source, values)
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    // Only delimiters can be wrong, and these are the usual ones.
    if let Ok(syntax) = syntax.build() {
        environment.set_syntax(syntax);
    }
    environment.set_fuel(Some(FUEL));
    environment
}

fn in_words(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// A text between quotes, for an nginx file. [`Places`](crate::places::Places) sees to it that nothing in it needs more.
pub(crate) fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display())
}

/// The main configuration of an nginx of psctl's own.
pub(crate) fn own_main_text(main: &OwnMain) -> Result<String, ProxyError> {
    let values = context! {
        pid => quoted(&main.pid),
        error_log => main.error_log.as_deref().map_or_else(|| "stderr".to_owned(), quoted),
        temp => main.temp_prefix.as_str(),
        sites => quoted(&main.sites),
    };
    render_built_in(OWN_MAIN, values)
}

/// What is written into the main configuration of an nginx of psctl's own.
#[derive(Debug)]
pub(crate) struct OwnMain {
    /// The file of the process id.
    pub(crate) pid: PathBuf,
    /// Where errors go; `None` is its standard error.
    pub(crate) error_log: Option<PathBuf>,
    /// What the names of temporary folders begin with.
    pub(crate) temp_prefix: String,
    /// What it takes in.
    pub(crate) sites: PathBuf,
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use ps_core::names::Replica;
    use ps_core::runtime::ContainerId;

    use super::*;

    fn surroundings(has_ipv6: bool) -> Surroundings {
        Surroundings {
            short_owner: "1a2b3c4d".into(),
            port: 80,
            has_ipv6,
            is_own: false,
        }
    }

    fn site(replicas: &[&str]) -> Site {
        let upstream = |(index, replica): (usize, &&str)| Upstream {
            replica: replica.parse::<Replica>().unwrap(),
            container: ContainerId("0123456789abcdef".into()),
            address: SocketAddrV4::new(Ipv4Addr::new(10, 210, 0, 5 + u8::try_from(index).unwrap()), 5000),
        };
        Site {
            app: "shop".parse().unwrap(),
            settings: SiteSettings {
                domains: vec!["shop.example.com".parse().unwrap(), "*.example.com".parse().unwrap()],
                body_limit: 1_048_576,
                connect_timeout: Duration::from_secs(5),
                read_timeout: Duration::from_secs(60),
                send_timeout: Duration::from_millis(1500),
                template: None,
            },
            upstreams: replicas.iter().enumerate().map(upstream).collect(),
        }
    }

    #[test]
    fn the_built_in_template_serves_web_alone() {
        let text = surroundings(true)
            .site_text(&site(&["web.1", "web.2", "worker.1"]), 17)
            .unwrap();
        let begin = "# shop: written by psctl, replaced with each change.\n\
            upstream psctl-1a2b3c4d-shop-web {\n    \
                server 10.210.0.5:5000; # web.1, 0123456789a\n    \
                server 10.210.0.6:5000; # web.2, 0123456789a\n    \
                keepalive 32;\n";
        assert!(text.starts_with(begin), "{text}");
        for line in [
            "    listen 80;\n    listen [::]:80;\n    server_name shop.example.com *.example.com;\n",
            "    client_max_body_size 1048576;\n",
            "        proxy_pass http://psctl-1a2b3c4d-shop-web;\n",
            "        proxy_connect_timeout 5s;\n        proxy_read_timeout 60s;\n        proxy_send_timeout 1500ms;\n",
            "        proxy_next_upstream_timeout 10s;\n",
            "        proxy_set_header Connection $psctl_1a2b3c4d_connection;\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains("10.210.0.7"));
    }

    #[test]
    fn an_app_without_web_has_a_server_that_answers_502() {
        let text = surroundings(false).site_text(&site(&["worker.1"]), 17).unwrap();
        assert_eq!(
            text,
            "# shop: written by psctl, replaced with each change.\nserver {\n    listen 80;\n    \
                server_name shop.example.com *.example.com;\n    default_type text/plain;\n    \
                return 502 \"shop does not run.\\n\";\n}\n"
        );
        let mut hidden = site(&["web.1"]);
        hidden.settings.domains.clear();
        let text = surroundings(false).site_text(&hidden, 17).unwrap();
        assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
    }

    #[test]
    fn a_site_has_the_same_text_under_every_number() {
        let texts = [1, 2].map(|number| surroundings(true).site_text(&site(&["web.1"]), number).unwrap());
        assert_eq!(texts[0], texts[1]);
    }

    #[test]
    fn only_an_own_nginx_has_a_default_server() {
        let mut own = surroundings(true);
        let text = own.base_text(17, &BTreeSet::new(), Some(512)).unwrap();
        assert!(!text.contains("default_server") && text.contains("\nserver_names_hash_bucket_size 512;\n"));
        assert!(text.starts_with("# psctl configuration 17 on port 80\n"));
        assert!(text.contains("return 200 \"psctl 17 $pid\\n\";"));
        own.is_own = true;
        let text = own.base_text(17, &[8080].into(), None).unwrap();
        assert!(
            text.contains(
                "    listen 80 default_server;\n    listen [::]:80 default_server;\n    listen 8080 default_server;\n"
            ),
            "{text}"
        );
        assert!(!text.contains("hash_bucket"));
    }

    #[test]
    fn times_are_written_as_nginx_reads_them() {
        for (time, text) in [
            (Duration::from_secs(60), "60s"),
            (Duration::from_millis(1500), "1500ms"),
            (Duration::from_millis(300), "300ms"),
            (Duration::ZERO, "1ms"),
            (Duration::from_micros(3), "1ms"),
        ] {
            assert_eq!(nginx_time(time), text);
        }
    }
}
