//! The obligations, by subject. Each function is one case; its name is the obligation.

mod build_steps;
mod building;
mod committing;
mod create;
mod events;
mod failures;
mod images;
mod lifecycle;
mod links;
mod loading;
mod logs;
mod networks;
mod observe;
mod restart;
mod stop;
mod terminals;

use super::{Area, Case};

/// A list of cases out of functions: `name`, or `name if |capabilities| …`.
macro_rules! cases {
    ($($name:ident $(if $needs:expr)?),* $(,)?) => {
        vec![$($crate::conformance::cases::cases!(@one $name $(, $needs)?)),*]
    };
    (@one $name:ident) => {
        $crate::conformance::Case::new(stringify!($name), |bench| Box::pin($name(bench)))
    };
    (@one $name:ident, $needs:expr) => {
        $crate::conformance::Case::when(stringify!($name), $needs, |bench| Box::pin($name(bench)))
    };
}
use cases;

pub(super) fn all() -> Vec<Case> {
    let area = |area: Area, cases: Vec<Case>| cases.into_iter().map(move |case| Case { area, ..case });
    let containers = [
        create::cases(),
        lifecycle::cases(),
        stop::cases(),
        restart::cases(),
        observe::cases(),
        events::cases(),
        logs::cases(),
        failures::cases(),
    ];
    area(Area::Containers, containers.concat())
        .chain(area(Area::Networks, networks::cases()))
        .chain(area(Area::Networks, links::cases()))
        .chain(area(Area::Images, images::cases()))
        .chain(area(Area::Images, loading::cases()))
        .chain(area(Area::Images, committing::cases()))
        .chain(area(Area::Images, building::cases()))
        .chain(area(Area::Images, build_steps::cases()))
        .chain(area(Area::Terminals, terminals::cases()))
        .collect()
}
