//! Links with containers that psctl did not make: found under their alias, started when they are stopped, and otherwise left alone.

use std::time::Duration;

use ps_core::addresses::Subnet;
use ps_core::labels;
use ps_core::runtime::{ContainerFilter, ContainerId, ContainerSpec, NetworkAttachment, NetworkSpec};

use super::super::{Case, Ground, ensure};
use crate::conformance::{Failure, Verdict};

/// A web process that is linked, and says what the service says: its answer is in a file of its own server.
const PROCFILE: &str = "web: sh -c 'mkdir -p /www; until wget -qO /www/index.html http://db:8080/; do sleep 0.2; done; exec httpd -f -p $PORT -h /www'\n";

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        an_app_reaches_its_service_under_the_alias,
        a_stopped_service_is_started_with_the_app,
        a_missing_service_fails_and_changes_nothing,
        an_alias_means_one_thing_per_app,
        a_service_in_the_hosts_network_is_refused,
    ]
}

/// A network and a container of somebody else, removed when this goes away.
struct Service<'a> {
    ground: &'a Ground,
    network: String,
    containers: Vec<ContainerId>,
}

impl<'a> Service<'a> {
    fn new(ground: &'a Ground) -> Result<Self, Failure> {
        let network = ground.app("own");
        let spec = NetworkSpec {
            name: network.clone(),
            subnet: None::<Subnet>,
            resolves_aliases: false,
            labels: std::collections::BTreeMap::new(),
        };
        ground.block_on(ground.engine.create_network(&spec))?;
        Ok(Self {
            ground,
            network,
            containers: Vec::new(),
        })
    }

    /// Makes and starts a container that answers every request with a word; its name is returned.
    fn answers(&mut self, word: &str) -> Result<String, Failure> {
        let ground = self.ground;
        let name = ground.app(word);
        let line = format!("mkdir -p /www; echo {word} > /www/index.html; exec httpd -f -p 8080 -h /www");
        let mut spec = ContainerSpec::new(&name, &ground.base);
        spec.command = Some(["sh", "-c", line.as_str()].map(str::to_owned).to_vec());
        spec.network = Some(NetworkAttachment {
            network: self.network.clone(),
            address: None,
        });
        let id = ground.block_on(ground.engine.create_container(&spec))?;
        self.containers.push(id.clone());
        ground.block_on(ground.engine.start_container(&id))?;
        Ok(name)
    }

    fn stop(&self, name: &str) -> Verdict {
        let id = ContainerId(name.to_owned());
        self.ground
            .block_on(self.ground.engine.stop_container(&id, Duration::ZERO))?;
        Ok(())
    }

    fn remove(&self, name: &str) -> Verdict {
        let id = ContainerId(name.to_owned());
        self.ground.block_on(self.ground.engine.remove_container(&id))?;
        Ok(())
    }

    fn runs(&self, name: &str) -> Result<bool, Failure> {
        let id = ContainerId(name.to_owned());
        let detail = self.ground.block_on(self.ground.engine.inspect_container(&id))?;
        Ok(detail.state.is_running())
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        for id in &self.containers {
            let _ = self.ground.block_on(self.ground.engine.remove_container(id));
        }
        let _ = self.ground.block_on(self.ground.engine.remove_network(&self.network));
    }
}

/// What an app's web says of its service, asked inside its container.
fn heard(ground: &Ground, app: &str) -> Result<String, Failure> {
    ground.eventually("the web process has asked its service", || {
        let asked = ground.run(&["enter", app, "web.1", "cat", "/www/index.html"])?;
        Ok((asked.code == Some(0) && !asked.out.trim().is_empty()).then(|| asked.out.trim().to_owned()))
    })
}

fn is(found: &str, expected: &str) -> Verdict {
    ensure(found == expected, || format!("it says `{found}`, not `{expected}`"))
}

/// The networks for links that the case's state directory has.
fn link_networks(ground: &Ground, app: &str) -> Result<usize, Failure> {
    let name = format!("{}-{app}", ground.network().ok_or("no network")?);
    let found = ground.block_on(ground.engine.inspect_network(&name));
    Ok(usize::from(
        found.is_ok_and(|network| network.labels.contains_key(labels::OWNER)),
    ))
}

fn an_app_reaches_its_service_under_the_alias(ground: &Ground) -> Verdict {
    let mut service = Service::new(ground)?;
    let name = service.answers("postgres")?;
    let app = ground.created("shop")?;
    ground.ok(&["links:add", &app, &format!("{name}:db")])?;
    let source = ground.source_of("shop", &format!("{PROCFILE}release: wget -qO- http://db:8080/\n"))?;
    ground.ok(&["deploy", &app, &source])?;
    is(&heard(ground, &app)?, "postgres")?;
    ground
        .ok(&["run", &app, "wget", "-qO-", "http://db:8080/"])?
        .shows(&["postgres"])?;
    ground
        .ok(&["links:list", &app])?
        .shows(&["db", &name, "running", "yes"])?;
    ground.ok(&["ps:scale", &app, "web=2"])?;
    // Nothing of it is left when the link ends but the service itself.
    let plain = ground.source_of("plain", super::WEB)?;
    ground.ok(&["deploy", &app, &plain])?;
    ground.ok(&["links:remove", &app, &name, "--wait-retired"])?;
    // An earlier command may just be retiring what it replaced; then whoever comes next takes the network away.
    ground.eventually("the network goes", || {
        ground.ok(&["ps:retire", &app])?;
        Ok((link_networks(ground, &app)? == 0).then_some(()))
    })?;
    ground.runs(&app, &["web.1", "web.2"])?;
    ensure(service.runs(&name)?, || "the service was stopped".to_owned())
}

fn a_stopped_service_is_started_with_the_app(ground: &Ground) -> Verdict {
    let mut service = Service::new(ground)?;
    let name = service.answers("redis")?;
    let app = ground.deployed("shop", super::WEB)?;
    ground.ok(&["links:add", &app, &format!("{name}:db"), "--no-restart"])?;
    let source = ground.source_of("linked", PROCFILE)?;
    ground.ok(&["deploy", &app, &source])?;
    ground.ok(&["ps:stop", &app])?;
    ensure(service.runs(&name)?, || "ps:stop stopped the service".to_owned())?;
    for verb in ["ps:start", "ps:restart"] {
        service.stop(&name)?;
        ground.ok(&[verb, &app])?;
        ensure(service.runs(&name)?, || format!("{verb} did not start the service"))?;
        is(&heard(ground, &app)?, "redis")?;
    }
    ground.ok(&["apps:destroy", &app, "--force"])?;
    ensure(link_networks(ground, &app)? == 0, || "the network is left".to_owned())?;
    ensure(service.runs(&name)?, || "apps:destroy stopped the service".to_owned())
}

fn a_missing_service_fails_and_changes_nothing(ground: &Ground) -> Verdict {
    let mut service = Service::new(ground)?;
    let name = service.answers("mysql")?;
    let app = ground.deployed("shop", super::WEB)?;
    ground
        .run(&["links:add", &app, "nobody-has-this"])?
        .is_error_with_hint(1, &["nobody-has-this"])?;
    ground.ok(&["links:add", &app, &name, "--wait-retired"])?;
    service.remove(&name)?;
    let before = ground.ids(&app)?;
    for words in [
        &["ps:restart", &app][..],
        &["deploy", &app],
        &["ps:scale", &app, "web=2"],
    ] {
        ground.run(words)?.is_error_with_hint(1, &[&name, "links:remove"])?;
        ensure(ground.ids(&app)? == before, || format!("{words:?} changed something"))?;
    }
    ground.ok(&["links:remove", &app, &name])?;
    ground.ok(&["ps:restart", &app])?;
    Ok(())
}

fn an_alias_means_one_thing_per_app(ground: &Ground) -> Verdict {
    let mut service = Service::new(ground)?;
    let (one, other) = (service.answers("one")?, service.answers("other")?);
    let source = ground.source_of("linked", PROCFILE)?;
    let mut said = Vec::new();
    for (word, service) in [("shop", &one), ("blog", &other)] {
        let app = ground.created(word)?;
        ground.ok(&["links:add", &app, &format!("{service}:db")])?;
        ground.ok(&["deploy", &app, &source])?;
        said.push(heard(ground, &app)?);
        let taken = ground.run(&["links:add", &app, &format!("{one}x:db")])?;
        taken.is_error_with_hint(1, &["db", "links:remove"])?;
    }
    ensure(said == ["one", "other"], || format!("they hear {said:?}"))
}

fn a_service_in_the_hosts_network_is_refused(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", super::WEB)?;
    let name = ground.app("hosted");
    let program = ground.engine.identity().kind;
    let flag = if program == "docker" { "--host" } else { "--url" };
    let mut create = std::process::Command::new(&program);
    create.args([
        flag,
        ground.address(),
        "create",
        "--name",
        &name,
        "--network",
        "host",
        &ground.base,
        "sleep",
        "60",
    ]);
    ground.run_command(create, "")?.code_is(0)?;
    let refused = ground.run(&["links:add", &app, &name]);
    let rows = ground.block_on(ground.engine.list_containers(&ContainerFilter::default()))?;
    let made = rows.into_iter().find(|row| row.name == name).ok_or("it was not made")?;
    ground.block_on(ground.engine.remove_container(&made.id))?;
    refused?.is_error_with_hint(1, &[&name, "--network"])
}
