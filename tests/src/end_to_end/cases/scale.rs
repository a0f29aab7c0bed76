//! `ps:scale`.

use super::super::{Case, Ground, ensure};
use super::WEB_AND_WORKER;
use crate::conformance::Verdict;

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        scaling_up_and_down_leaves_the_others_alone,
        a_bad_scale_is_refused_and_nothing_is_stored,
        with_skip_deploy_a_scale_is_only_stored,
    ]
}

fn scaling_up_and_down_leaves_the_others_alone(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    let first = ground.id(&app, "web.1")?;
    ground.ok(&["scale", &app, "web=5"])?;
    ground.runs(&app, &["web.1", "web.2", "web.3", "web.4", "web.5"])?;
    let five = ground.ids(&app)?;
    ensure(five.get("web.1") == Some(&first), || {
        format!("web.1 was replaced: {five:?}")
    })?;
    ground.ok(&["scale", &app, "web=2"])?;
    ground.has_soon(&app, &["web.1", "web.2"])?;
    let two = ground.ids(&app)?;
    ensure(two.iter().all(|(name, id)| five.get(name) == Some(id)), || {
        format!("what stays was replaced: {five:?} {two:?}")
    })?;
    ground.ok(&["ps:scale", &app, "worker+=1", "web-=1"])?;
    ground.has_soon(&app, &["web.1", "worker.1"])?;
    let shown = ground.ok(&["ps:scale", &app])?;
    shown.shows(&[
        &format!("-----> Scaling for {app}\n"),
        "proctype: qty\n",
        "web:  1\n",
        "worker: 1\n",
    ])
}

fn a_bad_scale_is_refused_and_nothing_is_stored(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    let before = ground.ok(&["ps:scale", &app, "--format", "json"])?.out;
    let ids = ground.ids(&app)?;
    let bad: [(&[&str], &str); 6] = [
        (&["web=-1"], "-1"),
        (&["web=x"], "x"),
        (&["web=1", "web=2"], "web"),
        (&["nosuch=2"], "nosuch"),
        (&["worker=2", "web=99999999999"], "99999999999"),
        (&["worker=2", "release=1"], "release"),
    ];
    for (words, named) in bad {
        let refused = ground.run(&[&["ps:scale", &app], words].concat())?;
        refused.is_error(2, &[named])?;
        let after = ground.ok(&["ps:scale", &app, "--format", "json"])?.out;
        ensure(before == after, || format!("{words:?} was stored: {after}"))?;
    }
    ensure(ground.ids(&app)? == ids, || "containers changed".to_owned())
}

fn with_skip_deploy_a_scale_is_only_stored(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    let web = ground.id(&app, "web.1")?;
    ground.ok(&["ps:scale", "--skip-deploy", &app, "worker=2"])?;
    ground.runs(&app, &["web.1"])?;
    ground.ok(&["ps:start", &app])?;
    ground.runs(&app, &["web.1", "worker.1", "worker.2"])?;
    ensure(ground.id(&app, "web.1")? == web, || "web.1 was replaced".to_owned())
}
