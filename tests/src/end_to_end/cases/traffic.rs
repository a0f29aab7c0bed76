//! Requests through an nginx of psctl's own: who answers, when nobody does, and that none is lost.

use std::net::TcpListener;

use super::super::{Case, Ground, ensure};
use super::traffic_client::{Load, get};
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        requests_reach_an_app_by_its_host,
        no_request_is_lost_whatever_is_done,
        a_stopped_app_answers_502_and_a_destroyed_one_404,
        an_old_web_leaves_the_proxy_first_and_lives_for_its_time,
        a_template_that_nginx_refuses_changes_nothing,
        a_reload_that_fails_undoes_the_deploy,
        an_nginx_that_is_down_undoes_the_deploy,
        domains_belong_to_one_app,
        a_web_has_a_port_of_the_host,
    ]
}

/// A web that answers a word.
fn web(word: &str) -> String {
    format!("web: mkdir -p /tmp/www && echo {word} > /tmp/www/index.html && exec httpd -f -p $PORT -h /tmp/www\n")
}

/// An app whose new containers are checked, and whose old ones stay for a second.
pub(super) fn deployed(ground: &Ground, word: &str) -> Result<String, Failure> {
    let app = ground.app(word);
    ground.ok(&["apps:create", &app])?;
    ground.ok(&["ps:set", &app, "stop-timeout-seconds", "1"])?;
    ground.ok(&["checks:set", &app, "wait-to-retire", "3"])?;
    ground.ok(&["checks:set", &app, "default-wait", "3"])?;
    let source = ground.source_of(word, &web(word))?;
    ground.ok(&["deploy", &app, &source])?;
    Ok(app)
}

/// The default domain of an app.
pub(super) fn host(app: &str) -> String {
    format!("{app}.localhost")
}

/// Fails unless the host answers so.
pub(super) fn answers(port: u16, host: &str, status: u16, body: &str) -> Verdict {
    let answer = get(port, host)?;
    ensure(answer.0 == status && answer.1.contains(body), || {
        format!("{host} answers {answer:?}, not {status} {body}")
    })
}

fn requests_reach_an_app_by_its_host(ground: &Ground) -> Verdict {
    let port = ground.use_nginx()?;
    let (shop, blog) = (deployed(ground, "shop")?, deployed(ground, "blog")?);
    answers(port, &host(&shop), 200, "shop")?;
    answers(port, &host(&blog), 200, "blog")?;
    answers(port, "nobody.example", 404, "")?;
    ground.ok(&["proxy:report", &shop])?.shows(&[&host(&shop), "nginx"])?;
    // With no proxy its host is an unknown one; the other app is not touched.
    ground.ok(&["proxy:set", &shop, "none"])?;
    answers(port, &host(&shop), 404, "")?;
    answers(port, &host(&blog), 200, "blog")?;
    ground.ok(&["proxy:set", &shop, "nginx"])?;
    answers(port, &host(&shop), 200, "shop")?;
    ground.ok(&["proxy:clear-config", "--all"])?;
    answers(port, &host(&blog), 404, "")?;
    ground.ok(&["proxy:build-config", "--all"])?;
    answers(port, &host(&shop), 200, "shop")?;
    answers(port, &host(&blog), 200, "blog")
}

fn no_request_is_lost_whatever_is_done(ground: &Ground) -> Verdict {
    let port = ground.use_nginx()?;
    let app = deployed(ground, "shop")?;
    let load = Load::begin(port, &host(&app), "shop");
    for words in [
        &["ps:restart", &app][..],
        &["ps:scale", &app, "web=2"],
        &["ps:restart", &app, "web.1"],
        &["deploy", &app],
        &["config:set", &app, "COLOUR=green"],
        &["ps:rollback", &app],
        &["ps:scale", &app, "web=1"],
        &["ps:restart", &app, "--wait-retired"],
    ] {
        ground.ok(words)?;
    }
    let counted = load.end()?;
    ground.measured(format!(
        "requests through nginx while restarted, scaled, deployed, configured and rolled back: {} answered, {} lost",
        counted.answered,
        counted.failed.len()
    ));
    ensure(counted.failed.is_empty(), || format!("lost: {:?}", counted.failed))
}

fn a_stopped_app_answers_502_and_a_destroyed_one_404(ground: &Ground) -> Verdict {
    let port = ground.use_nginx()?;
    let (shop, blog) = (deployed(ground, "shop")?, deployed(ground, "blog")?);
    ground.ok(&["ps:stop", &shop])?;
    answers(port, &host(&shop), 502, "")?;
    answers(port, &host(&blog), 200, "blog")?;
    // A new container gets another address; the stopped app answers as before.
    ground.ok(&["ps:restart", &blog])?;
    answers(port, &host(&shop), 502, "")?;
    ground.ok(&["ps:start", &shop])?;
    answers(port, &host(&shop), 200, "shop")?;
    ground.ok(&["apps:destroy", &shop, "--force"])?;
    answers(port, &host(&shop), 404, "")?;
    answers(port, &host(&blog), 200, "blog")
}

fn an_old_web_leaves_the_proxy_first_and_lives_for_its_time(ground: &Ground) -> Verdict {
    let port = ground.use_nginx()?;
    let app = deployed(ground, "shop")?;
    ground.ok(&["checks:set", &app, "wait-to-retire", "6"])?;
    let old = ground.id(&app, "web.1")?;
    ground.ok(&["ps:restart", &app])?;
    let file = || -> Result<String, Failure> {
        let report = ground.ok(&["proxy:report", &app, "--proxy-file"])?.out;
        Ok(std::fs::read_to_string(report.trim())?)
    };
    ensure(!file()?.contains(&old), || {
        "the file names the old container".to_owned()
    })?;
    let names = ground.ids(&app)?;
    let lives = names.values().any(|id| *id == old);
    ensure(lives && names.len() == 2, || {
        format!("the old one went at once: {names:?}")
    })?;
    ground.has_soon(&app, &["web.1"])?;
    answers(port, &host(&app), 200, "shop")
}

fn a_template_that_nginx_refuses_changes_nothing(ground: &Ground) -> Verdict {
    let port = ground.use_nginx()?;
    let app = deployed(ground, "shop")?;
    let template = ground.folder().join("site.conf");
    let path = template.to_str().ok_or("a path that is no text")?;
    std::fs::write(&template, "server { nonsense; }\n")?;
    ground
        .run(&["proxy:set", &app, "template", path])?
        .is_error_with_hint(1, &["nginx"])?;
    answers(port, &host(&app), 200, "shop")?;
    ground.ok(&["ps:restart", &app])?;
    std::fs::write(
        &template,
        "server {\n  listen {{ http_port }};\n  server_name {{ domains | join(' ') }};\n  return 200 mine;\n}\n",
    )?;
    ground.ok(&["proxy:set", &app, "template", path])?;
    answers(port, &host(&app), 200, "mine")?;
    // It is broken later: the next deploy is undone, and all serves as before.
    std::fs::write(&template, "server { nonsense; }\n")?;
    let old = ground.id(&app, "web.1")?;
    ground
        .run(&["ps:restart", &app])?
        .is_error_with_hint(1, &["nginx", "goes on serving"])?;
    ground.has_soon(&app, &["web.1"])?;
    ensure(ground.id(&app, "web.1")? == old, || "it was replaced".to_owned())?;
    answers(port, &host(&app), 200, "mine")
}

fn a_reload_that_fails_undoes_the_deploy(ground: &Ground) -> Verdict {
    let port = ground.use_nginx()?;
    let app = deployed(ground, "shop")?;
    let old = ground.id(&app, "web.1")?;
    ground.run(&["proxy:set", "--global", "reload-command", "/bin/false"])?;
    ground
        .run(&["ps:restart", &app])?
        .is_error(1, &["could not send requests"])?;
    answers(port, &host(&app), 200, "shop")?;
    ground.ok(&["proxy:set", "--global", "reload-command"])?;
    ground.ok(&["ps:start", &app])?;
    ground.has_soon(&app, &["web.1"])?;
    ensure(ground.id(&app, "web.1")? == old, || "it was replaced".to_owned())?;
    ground.ok(&["ps:restart", &app])?;
    answers(port, &host(&app), 200, "shop")
}

fn an_nginx_that_is_down_undoes_the_deploy(ground: &Ground) -> Verdict {
    let nginx = ground.use_system_nginx()?;
    nginx.start()?;
    let shop = deployed(ground, "shop")?;
    answers(nginx.port, &host(&shop), 200, "shop")?;
    let old = ground.id(&shop, "web.1")?;
    nginx.end(ground)?;
    ground
        .run(&["ps:restart", &shop])?
        .is_error_with_hint(1, &["nginx does not run", "nginx"])?;
    ground.has_soon(&shop, &["web.1"])?;
    ensure(ground.id(&shop, "web.1")? == old, || "it was replaced".to_owned())?;
    let blog = ground.created("blog")?;
    let source = ground.source_of("blog", &web("blog"))?;
    // Nobody said that this one is to be served; what nobody serves is told, and stands in nobody's way.
    let deployed = ground.ok(&["deploy", &blog, &source])?;
    ensure(deployed.err.contains("nginx does not run"), || deployed.told())?;
    // It comes back with what it served before.
    nginx.start()?;
    answers(nginx.port, &host(&shop), 200, "shop")?;
    answers(nginx.port, &host(&blog), 404, "")?;
    // An app can be stopped while it is down, and nobody gets its requests afterwards.
    nginx.end(ground)?;
    ground.ok(&["ps:stop", &shop])?;
    nginx.start()?;
    answers(nginx.port, &host(&shop), 502, "")?;
    ground.ok(&["ps:start", &shop])?;
    ground.ok(&["proxy:build-config", &blog])?;
    answers(nginx.port, &host(&shop), 200, "shop")?;
    answers(nginx.port, &host(&blog), 200, "blog")
}

fn domains_belong_to_one_app(ground: &Ground) -> Verdict {
    let port = ground.use_nginx()?;
    let (shop, blog) = (deployed(ground, "shop")?, deployed(ground, "blog")?);
    ground.ok(&["domains:add", &shop, "www.shop.example"])?;
    answers(port, "www.shop.example", 200, "shop")?;
    // Its own domains are in the place of the default ones.
    answers(port, &host(&shop), 404, "")?;
    for taken in ["www.shop.example", &host(&blog)] {
        let (app, owner) = if taken.starts_with("www") {
            (&blog, &shop)
        } else {
            (&shop, &blog)
        };
        let refused = ground.run(&["domains:add", app, taken])?;
        refused.is_error_with_hint(1, &[taken, owner])?;
    }
    ground.ok(&["domains:set", "--global", "apps.example"])?;
    answers(port, &format!("{blog}.apps.example"), 200, "blog")?;
    ground.ok(&["domains:clear", &shop])?;
    answers(port, &format!("{shop}.apps.example"), 200, "shop")?;
    answers(port, "www.shop.example", 404, "")?;
    ground.ok(&["domains:report", &shop])?.shows(&[&host(&shop)])
}

fn a_web_has_a_port_of_the_host(ground: &Ground) -> Verdict {
    let (shop, blog) = (deployed(ground, "shop")?, deployed(ground, "blog")?);
    let taken = TcpListener::bind("0.0.0.0:0")?;
    let (foreign, free) = (
        taken.local_addr()?.port(),
        TcpListener::bind("0.0.0.0:0")?.local_addr()?.port(),
    );
    let (foreign, free_word) = (foreign.to_string(), free.to_string());
    let old = ground.id(&shop, "web.1")?;
    ground
        .run(&["ports:publish", &shop, &foreign])?
        .is_error_with_hint(1, &["goes on serving"])?;
    ground.has_soon(&shop, &["web.1"])?;
    ensure(ground.id(&shop, "web.1")? == old, || "it was replaced".to_owned())?;
    let published = ground.ok(&["ports:publish", &shop, &free_word])?;
    ensure(published.err.contains("was away for"), || published.told())?;
    answers(free, "anybody", 200, "shop")?;
    ground
        .run(&["ports:publish", &blog, &free_word])?
        .is_error_with_hint(1, &[&shop])?;
    ground
        .run(&["ps:scale", &shop, "web=2"])?
        .is_error_with_hint(1, &[&free_word])?;
    let restarted = ground.ok(&["ps:restart", &shop])?;
    ensure(restarted.err.contains("was away for"), || restarted.told())?;
    answers(free, "anybody", 200, "shop")?;
    ground.ok(&["ports:report", &shop])?.shows(&[&free_word])?;
    ground.ok(&["ports:unpublish", &shop])?;
    ground.eventually("the port is closed", || Ok(get(free, "anybody").is_err().then_some(())))
}
