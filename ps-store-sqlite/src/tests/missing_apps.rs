//! Every change but one needs an app that exists.

use ps_core::app::CheckMode;
use ps_core::crashes::{Crash, CrashKind};
use ps_core::formation::Formation;
use ps_core::names::{AppName, Generation, ProcessType};
use ps_core::policies::Property;
use ps_core::release::{ReleaseNumber, Source};
use ps_core::runtime::ContainerId;
use ps_core::store::{Scope, StoreChange, StoreErrorKind};

use super::{config, moment, new_store, parse, record, refused, retirement, serving, shop};

fn settings_of(app: fn() -> AppName) -> Vec<StoreChange> {
    let scope = Scope::App(app());
    vec![
        StoreChange::SetProperty {
            scope: scope.clone(),
            property: Property::Init,
            value: None,
        },
        StoreChange::SetConfig {
            scope,
            config: config(&[]),
        },
        StoreChange::SetFormation {
            app: app(),
            formation: Formation::default(),
        },
        StoreChange::SetCheckMode {
            app: app(),
            process_type: ProcessType::web(),
            mode: CheckMode::Enabled,
        },
        StoreChange::SetSource {
            app: app(),
            source: Source::Image("a".into()),
        },
        StoreChange::MarkStopped {
            app: app(),
            stopped: false,
        },
        StoreChange::SetQuarantine {
            app: app(),
            quarantine: None,
        },
        StoreChange::SetDomains {
            scope: Scope::App(app()),
            domains: Vec::new(),
        },
        StoreChange::SetLinks {
            app: app(),
            links: Vec::new(),
        },
        StoreChange::PublishPort { app: app(), port: None },
        StoreChange::SetRouted {
            app: app(),
            routed: None,
        },
        StoreChange::UseGenerations {
            app: app(),
            next: Generation(1),
        },
        StoreChange::UseReleaseNumbers {
            app: app(),
            next: ReleaseNumber(1),
        },
    ]
}

fn work_on(app: fn() -> AppName) -> Vec<StoreChange> {
    let replica = || parse("web.1");
    vec![
        StoreChange::DestroyApp(app()),
        StoreChange::RenameApp {
            app: app(),
            to: parse("b"),
        },
        StoreChange::Serve {
            app: app(),
            replica: replica(),
            serving: serving("a", 1),
        },
        StoreChange::StopServing {
            app: app(),
            replica: replica(),
        },
        StoreChange::AddRetirement {
            app: app(),
            retirement: retirement("a", 1),
        },
        StoreChange::FinishRetirement {
            app: app(),
            container: ContainerId("a".into()),
        },
        StoreChange::RecordCrash {
            app: app(),
            crash: Crash {
                replica: replica(),
                generation: Generation(1),
                kind: CrashKind::Ended,
                at: moment(1),
            },
        },
        StoreChange::ForgetCrashes {
            app: app(),
            before: None,
        },
        StoreChange::ReleaseEndpoint {
            app: app(),
            generation: Generation(1),
        },
        record(1),
    ]
}

#[tokio::test]
async fn every_change_of_a_missing_app_is_refused() {
    let (_folder, store) = new_store();
    for change in settings_of(shop).into_iter().chain(work_on(shop)) {
        let kind = refused(&store, std::slice::from_ref(&change)).await;
        assert_eq!(kind, StoreErrorKind::NoSuchApp(shop()), "{change:?}");
    }
}
