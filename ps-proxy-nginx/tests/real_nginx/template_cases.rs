//! Templates of apps.

use std::fs;

use ps_core::names::{ProcessType, Replica};
use ps_core::proxy::{Proxy, ProxyErrorKind, Site, SiteChange, Upstream};
use ps_core::runtime::ContainerId;

use crate::app_server::AppServer;
use crate::client::get;
use crate::ground::{Ground, serve, site};
use crate::{Case, case};

/// The example of the documentation, so that it works as it stands there.
const DOCUMENTED: &str = include_str!("../../../docs/nginx-template.md");

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case(
            "a_template_has_the_upstreams_of_every_type",
            a_template_has_the_upstreams_of_every_type,
        ),
        case("the_documented_template_works", the_documented_template_works),
        case(
            "a_broken_template_leaves_the_old_site",
            a_broken_template_leaves_the_old_site,
        ),
        case(
            "what_nginx_refuses_is_told_by_the_template",
            what_nginx_refuses_is_told_by_the_template,
        ),
        case(
            "one_bad_site_of_several_changes_none",
            one_bad_site_of_several_changes_none,
        ),
        case(
            "a_template_without_an_end_is_an_error",
            a_template_without_an_end_is_an_error,
        ),
    ]
}

fn with_template(mut site: Site, template: &std::path::Path) -> SiteChange {
    site.settings.template = Some(template.to_owned());
    SiteChange::Serve(site)
}

async fn a_template_has_the_upstreams_of_every_type() {
    let ground = Ground::own();
    let (web, api) = (AppServer::named("web").await, AppServer::named("api").await);
    let template = ground.write(
        "shop.j2",
        "{% for type in upstreams %}\nupstream {{ name }}-{{ type }} {\n{% for upstream in upstreams[type] %}\n  server {{ upstream.ip }}:{{ upstream.port }};\n{% endfor %}\n}\n{% endfor %}\n\
         server {\n{% for line in listen %}{{ line }}\n{% endfor %}\n  server_name {{ domains | join(' ') }};\n\
         location / { proxy_pass http://{{ name }}-web; }\n  location /api { proxy_pass http://{{ name }}-api-v2; }\n\
         {% for upstream in upstreams.worker %}bananas{% endfor %}\n}\n",
    );
    let mut site = site("shop", &["shop.localhost"], &[web.address]);
    let api_type: ProcessType = "api-v2".parse().unwrap();
    site.upstreams.push(Upstream {
        replica: Replica::new(api_type, 1).unwrap(),
        container: ContainerId("c".repeat(64)),
        address: api.address,
    });
    ground
        .proxy()
        .change_sites(&[with_template(site, &template)])
        .await
        .unwrap();
    let port = ground.config.http_port;
    assert_eq!(get(port, "shop.localhost", "/").await.unwrap().body, "web");
    assert_eq!(get(port, "shop.localhost", "/api").await.unwrap().body, "api");
}

async fn the_documented_template_works() {
    let ground = Ground::own();
    let shop = AppServer::named("shop").await;
    let (_, rest) = DOCUMENTED.split_once("```jinja\n").unwrap();
    let template = ground.write("shop.j2", rest.split_once("```").unwrap().0);
    let site = site("shop", &["shop.localhost"], &[shop.address]);
    ground
        .proxy()
        .change_sites(&[with_template(site, &template)])
        .await
        .unwrap();
    assert_eq!(
        get(ground.config.http_port, "shop.localhost", "/").await.unwrap().body,
        "shop"
    );
}

async fn a_broken_template_leaves_the_old_site() {
    let ground = Ground::own();
    let shop = AppServer::named("shop").await;
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[shop.address])])
        .await
        .unwrap();
    let before = ground.generations();
    for (text, place, cause) in [
        ("server {\n  {{ domain }}\n}\n", ":2 ", "undefined value"),
        ("\n\n{% for x in domains %}\n", ":", "syntax error"),
        ("{{ upstreams.web.first }}", ":1 ", "undefined value"),
    ] {
        let template = ground.write("shop.j2", text);
        let change = with_template(site("shop", &["shop.localhost"], &[]), &template);
        let error = ground.proxy().change_sites(&[change]).await.unwrap_err();
        assert_eq!(error.kind, ProxyErrorKind::Template);
        let place = format!("{}{place}", template.display());
        assert!(
            error.message.contains(&place) && error.message.contains(cause),
            "{error}"
        );
    }
    let absent = with_template(site("shop", &["shop.localhost"], &[]), &ground.path("absent.j2"));
    let error = ground.proxy().change_sites(&[absent]).await.unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Template);
    assert!(error.message.contains("absent.j2 of shop cannot be read"), "{error}");
    assert_eq!(ground.generations(), before);
    assert_eq!(
        get(ground.config.http_port, "shop.localhost", "/").await.unwrap().body,
        "shop"
    );
}

async fn what_nginx_refuses_is_told_by_the_template() {
    let ground = Ground::own();
    let shop = AppServer::named("shop").await;
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[shop.address])])
        .await
        .unwrap();
    let before = ground.generations();
    let template = ground.write(
        "shop.j2",
        "{# one #}\nserver {\n{% for line in listen %}\n{{ line }}\n{% endfor %}\n  bananas on;\n}\n",
    );
    let change = with_template(site("shop", &["shop.localhost"], &[]), &template);
    let error = ground.proxy().change_sites(&[change]).await.unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Refused);
    let place = format!("{}:6 of shop", template.display());
    assert!(
        error.message.contains(&place) && error.message.contains("\"bananas\""),
        "{error}"
    );
    let sites = ground.nginx("sites/shop.conf");
    assert!(
        error.said.iter().any(|line| line.contains(sites.to_str().unwrap())),
        "{:?}",
        error.said
    );
    assert_eq!(ground.generations(), before);
    assert!(fs::read_to_string(sites).unwrap().contains("proxy_pass"));
    assert_eq!(
        get(ground.config.http_port, "shop.localhost", "/").await.unwrap().body,
        "shop"
    );
}

async fn one_bad_site_of_several_changes_none() {
    let ground = Ground::own();
    ground
        .proxy()
        .change_sites(&[serve("shop", &["shop.localhost"], &[])])
        .await
        .unwrap();
    let template = ground.write("bad.j2", "bananas;");
    let changes = [
        serve("good", &["good.localhost"], &[]),
        with_template(site("bad", &["bad.localhost"], &[]), &template),
        SiteChange::Remove("shop".parse().unwrap()),
    ];
    let error = ground.proxy().change_sites(&changes).await.unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Refused);
    let port = ground.config.http_port;
    assert_eq!(get(port, "shop.localhost", "/").await.unwrap().status, 502);
    assert_eq!(get(port, "good.localhost", "/").await.unwrap().status, 404);
}

async fn a_template_without_an_end_is_an_error() {
    let ground = Ground::own();
    let template = ground.write(
        "shop.j2",
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}",
    );
    let change = with_template(site("shop", &["shop.localhost"], &[]), &template);
    let error = ground.proxy().change_sites(&[change]).await.unwrap_err();
    assert_eq!(error.kind, ProxyErrorKind::Template);
}
