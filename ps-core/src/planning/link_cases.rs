//! Cases of links for `plans.txt`: what comes before an app's containers, and what goes after them.

use std::collections::BTreeSet;

use super::tests::Case;
use super::*;
use crate::plan::Plan;
use crate::runtime::{ContainerId, ContainerState};

fn service(container: &str, alias: &str, state: ContainerState, there: Option<&str>) -> LinkedService {
    let names = |name: &str| BTreeSet::from([name.to_owned()]);
    LinkedService {
        container: container.to_owned(),
        aliases: names(alias),
        found: FoundService::There {
            id: ContainerId(format!("id-{container}")),
            state,
            aliases: there.map(names),
        },
    }
}

/// An app that is linked with `pg` as `db`.
fn linked(services: Vec<LinkedService>) -> Case {
    Case::deployed("web=2").but(|situation| {
        situation.record.links = vec!["pg:db".parse().unwrap()];
        situation.links.services = services;
    })
}

fn exists(situation: &mut Situation) {
    situation.links.network.exists = true;
    situation.links.others = vec![(ContainerId("id-pg".to_owned()), "pg".to_owned())];
}

/// psctl's own network is there, and is the one that containers are made in.
fn reaches(situation: &mut Situation) {
    let spec = crate::runtime::NetworkSpec {
        name: "psctl-0123456789ab".to_owned(),
        subnet: "10.210.0.0/16".parse().ok(),
        resolves_aliases: false,
        labels: std::collections::BTreeMap::new(),
    };
    situation.network = Some(NetworkState { spec, exists: true });
}

pub(super) fn all() -> Vec<(&'static str, Plan)> {
    use ContainerState::{Exited, Running};
    let first = |state: ContainerState, there: Option<&str>| linked(vec![service("pg", "db", state, there)]);
    let unlinked = |situation: &mut Situation| situation.record.links.clear();
    vec![
        (
            "link a stopped service for the first time",
            plan_links(&first(Exited, None).0).unwrap(),
        ),
        (
            "link what is linked already",
            plan_links(&first(Running, Some("db")).but(exists).0).unwrap(),
        ),
        (
            "link under another name",
            plan_links(&first(Running, Some("main")).but(exists).0).unwrap(),
        ),
        ("link nothing", plan_links(&Case::deployed("web=1").0).unwrap()),
        (
            "scale up with a link, where the host reaches containers",
            first(Running, None)
                .running(&["web.1"])
                .but(reaches)
                .scaled("web=2", false),
        ),
        (
            "leave a link that a running container was made with",
            plan_leave_links(
                &first(Running, Some("db"))
                    .running(&["web.1"])
                    .but(exists)
                    .but(unlinked)
                    .0,
            ),
        ),
        (
            "leave a link that nothing was made with",
            plan_leave_links(&first(Running, Some("db")).but(exists).but(unlinked).0),
        ),
        (
            "destroy an app with a link",
            plan_remove_containers(
                &first(Running, Some("db")).running(&["web.1"]).but(exists).0,
                &Removal::Destroy,
                Vec::new(),
            ),
        ),
    ]
}

#[test]
fn what_cannot_be_linked_is_told_before_any_step() {
    let faults = [
        (
            FoundService::Missing,
            "shop is linked with the container pg, which does not exist",
        ),
        (
            FoundService::OfAnApp,
            "shop is linked with the container pg, which is a container of an app",
        ),
        (
            FoundService::Unjoinable,
            "shop is linked with the container pg, whose network mode does not let it join a network",
        ),
    ];
    for (found, text) in faults {
        let broken = LinkedService {
            found,
            ..service("pg", "db", ContainerState::Running, None)
        };
        assert_eq!(plan_links(&linked(vec![broken]).0).unwrap_err().to_string(), text);
    }
}
