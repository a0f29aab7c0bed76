//! Any sequence of transactions leaves what a model in memory, written from the port's words, leaves.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use ps_core::addresses::Endpoint;
use ps_core::app::{AppRecord, CheckMode, GlobalRecord, Retirement, Serving};
use ps_core::config::Config;
use ps_core::names::{AppName, Generation, ProcessType, Replica};
use ps_core::policies::{Properties, Property};
use ps_core::release::{Release, ReleaseNumber, Source};
use ps_core::runtime::ContainerId;
use ps_core::store::{Scope, Store, StoreChange, StoreErrorKind};

use super::{config, moment, new_store, parse, release};

#[derive(Debug, Clone, Default)]
struct Model {
    apps: BTreeMap<AppName, (AppRecord, BTreeMap<ReleaseNumber, Release>)>,
    global: GlobalRecord,
}

impl Model {
    fn app(&mut self, name: &AppName) -> Result<&mut AppRecord, StoreErrorKind> {
        let found = self.apps.get_mut(name).map(|(app, _)| app);
        found.ok_or_else(|| StoreErrorKind::NoSuchApp(name.clone()))
    }

    fn settings(&mut self, scope: &Scope) -> Result<(&mut Properties, &mut Config), StoreErrorKind> {
        match scope {
            Scope::Global => Ok((&mut self.global.properties, &mut self.global.config)),
            Scope::App(name) => self.app(name).map(|app| (&mut app.properties, &mut app.config)),
        }
    }

    fn apply(&mut self, change: &StoreChange) -> Result<(), StoreErrorKind> {
        match change {
            StoreChange::CreateApp(name) if self.apps.contains_key(name) => {
                return Err(StoreErrorKind::AppExists(name.clone()));
            }
            StoreChange::CreateApp(name) => {
                let app = AppRecord::new(name.clone());
                self.apps.insert(name.clone(), (app, BTreeMap::new()));
            }
            StoreChange::DestroyApp(app) => {
                self.app(app)?;
                self.apps.remove(app);
            }
            StoreChange::RenameApp { app, to } => {
                self.app(app)?;
                if self.apps.contains_key(to) {
                    return Err(StoreErrorKind::AppExists(to.clone()));
                }
                let mut moved = self.apps.remove(app).unwrap();
                moved.0.name = to.clone();
                self.apps.insert(to.clone(), moved);
            }
            StoreChange::SetProperty { scope, property, value } => {
                let (properties, _) = self.settings(scope)?;
                match value {
                    Some(value) => properties.insert(*property, value.clone()),
                    None => properties.remove(property),
                };
            }
            StoreChange::SetConfig { scope, config } => *self.settings(scope)?.1 = config.clone(),
            StoreChange::RecordRelease { app, release } => {
                self.app(app)?;
                let (record, releases) = self.apps.get_mut(app).unwrap();
                if releases.insert(release.number, *release.clone()).is_some() {
                    return Err(StoreErrorKind::Failed);
                }
                record.release = Some(*release.clone());
                record.next_release = record.next_release.max(release.number.next());
            }
            other => self.apply_to_app(other)?,
        }
        Ok(())
    }

    fn apply_to_app(&mut self, change: &StoreChange) -> Result<(), StoreErrorKind> {
        match change {
            StoreChange::SetFormation { app, formation } => self.app(app)?.formation = formation.clone(),
            StoreChange::SetCheckMode {
                app,
                process_type,
                mode,
            } => {
                let checks = &mut self.app(app)?.checks;
                checks.remove(process_type);
                if *mode != CheckMode::Enabled {
                    checks.insert(process_type.clone(), *mode);
                }
            }
            StoreChange::SetSource { app, source } => self.app(app)?.source = Some(source.clone()),
            StoreChange::MarkStopped { app, stopped } => self.app(app)?.stopped_by_operator = *stopped,
            StoreChange::UseGenerations { app, next } => self.use_generations(app, *next)?,
            StoreChange::UseReleaseNumbers { app, next } => {
                let app = self.app(app)?;
                app.next_release = app.next_release.max(*next);
            }
            StoreChange::Serve { app, replica, serving } => {
                self.app(app)?.serving.insert(replica.clone(), serving.clone());
                self.use_generations(app, serving.generation.after(1))?;
            }
            StoreChange::StopServing { app, replica } => {
                self.app(app)?.serving.remove(replica);
            }
            StoreChange::AddRetirement { app, retirement } => {
                let all = &mut self.app(app)?.retirements;
                match all.iter_mut().find(|other| other.container == retirement.container) {
                    Some(there) => *there = retirement.clone(),
                    None => all.push(retirement.clone()),
                }
            }
            StoreChange::FinishRetirement { app, container } => {
                self.app(app)?.retirements.retain(|other| other.container != *container);
            }
            other => panic!("{other:?} is not part of the model"),
        }
        Ok(())
    }

    fn use_generations(&mut self, app: &AppName, next: Generation) -> Result<(), StoreErrorKind> {
        let app = self.app(app)?;
        app.next_generation = app.next_generation.max(next);
        Ok(())
    }
}

fn any_app() -> impl Strategy<Value = AppName> {
    select(vec!["a", "a.b", "a-b"]).prop_map(parse)
}

fn any_type() -> impl Strategy<Value = ProcessType> {
    select(vec!["web", "worker"]).prop_map(parse)
}

fn any_replica() -> impl Strategy<Value = Replica> {
    (any_type(), select(vec![1, 2, 10])).prop_map(|(name, index)| Replica::new(name, index).unwrap())
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::Global), any_app().prop_map(Scope::App)]
}

fn any_config() -> impl Strategy<Value = Config> {
    prop::collection::vec((select(vec!["A", "B", "_C1"]), "[^\0]{0,8}"), 0..3).prop_map(|variables| {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        config(&variables)
    })
}

fn any_container() -> impl Strategy<Value = ContainerId> {
    select(vec!["c1", "c2", "c3"]).prop_map(|id| ContainerId(id.to_owned()))
}

fn any_serving() -> impl Strategy<Value = Serving> {
    let endpoint = prop_oneof![
        any::<[u8; 4]>().prop_map(|bytes| Endpoint::Address(bytes.into())),
        any::<u16>().prop_map(Endpoint::LoopbackPort),
    ];
    (any_container(), 0..20_u64, any::<u32>(), prop::option::of(endpoint)).prop_map(
        |(container, generation, number, endpoint)| Serving {
            container,
            generation: Generation(generation),
            release: ReleaseNumber(number),
            endpoint,
        },
    )
}

fn any_retirement() -> impl Strategy<Value = Retirement> {
    (any_replica(), any_container(), 0..20_u64, 0..86_400_u64).prop_map(|(replica, container, generation, seconds)| {
        Retirement {
            replica,
            generation: Generation(generation),
            container,
            due: moment(seconds),
            stop_timeout: Duration::from_secs(seconds),
        }
    })
}

fn any_setting() -> impl Strategy<Value = StoreChange> {
    let modes = vec![CheckMode::Enabled, CheckMode::Skipped, CheckMode::Disabled];
    prop_oneof![
        (any_scope(), select(&Property::ALL[..]), prop::option::of(".{0,5}"))
            .prop_map(|(scope, property, value)| StoreChange::SetProperty { scope, property, value }),
        (any_scope(), any_config()).prop_map(|(scope, config)| StoreChange::SetConfig { scope, config }),
        (any_app(), prop::collection::btree_map(any_type(), 0..1000_u16, 0..3)).prop_map(|(app, quantities)| {
            StoreChange::SetFormation {
                app,
                formation: quantities.into_iter().collect(),
            }
        }),
        (any_app(), any_type(), select(modes)).prop_map(|(app, process_type, mode)| StoreChange::SetCheckMode {
            app,
            process_type,
            mode
        }),
        (any_app(), ".{1,9}").prop_map(|(app, image)| StoreChange::SetSource {
            app,
            source: Source::Image(image)
        }),
        (any_app(), any::<bool>()).prop_map(|(app, stopped)| StoreChange::MarkStopped { app, stopped }),
    ]
}

fn any_change() -> impl Strategy<Value = StoreChange> {
    prop_oneof![
        4 => any_app().prop_map(StoreChange::CreateApp),
        1 => any_app().prop_map(StoreChange::DestroyApp),
        1 => (any_app(), any_app()).prop_map(|(app, to)| StoreChange::RenameApp { app, to }),
        6 => any_setting(),
        1 => (any_app(), 0..30_u64).prop_map(|(app, next)| StoreChange::UseGenerations { app, next: Generation(next) }),
        1 => (any_app(), 0..9_u32)
            .prop_map(|(app, next)| StoreChange::UseReleaseNumbers { app, next: ReleaseNumber(next) }),
        4 => (any_app(), 1..9_u32, any_config()).prop_map(|(app, number, config)| StoreChange::RecordRelease {
            app,
            release: Box::new(Release { config, ..release(number) }),
        }),
        3 => (any_app(), any_replica(), any_serving())
            .prop_map(|(app, replica, serving)| StoreChange::Serve { app, replica, serving }),
        1 => (any_app(), any_replica()).prop_map(|(app, replica)| StoreChange::StopServing { app, replica }),
        3 => (any_app(), any_retirement())
            .prop_map(|(app, retirement)| StoreChange::AddRetirement { app, retirement }),
        1 => (any_app(), any_container())
            .prop_map(|(app, container)| StoreChange::FinishRetirement { app, container }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_store_and_the_model_agree(
        transactions in prop::collection::vec(prop::collection::vec(any_change(), 1..4), 1..30)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (_folder, store) = new_store();
        let mut model = Model::default();
        for changes in &transactions {
            let mut next = model.clone();
            let expected = changes.iter().try_for_each(|change| next.apply(change));
            if expected.is_ok() {
                model = next;
            }
            let found = runtime.block_on(store.apply(changes)).map_err(|error| error.kind);
            prop_assert_eq!(found, expected);
        }
        let apps: Vec<AppRecord> = model.apps.values().map(|(app, _)| app.clone()).collect();
        prop_assert_eq!(runtime.block_on(store.apps()).unwrap(), apps);
        prop_assert_eq!(runtime.block_on(store.global()).unwrap(), model.global);
        for (name, (app, releases)) in &model.apps {
            prop_assert_eq!(&runtime.block_on(store.app(name)).unwrap(), app);
            for (number, release) in releases {
                let found = runtime.block_on(store.release(name, *number)).unwrap();
                prop_assert_eq!(found.as_ref(), Some(release));
            }
        }
    }
}
