//! The loop: streams in, one round an app at a time, many apps side by side. Invariant: it waits only for streams, rounds and known
//! moments; it never looks again just because time has passed.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use async_lock::Semaphore;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, pin_mut, select_biased};

use super::attend::{Attended, Round, described};
use super::compare::Compared;
use super::events::{Events, News};
use super::liveness::Life;
use super::mail::Mail;
use super::news::{ListenFigures, ListenNews, ListenSink};
use super::watch::AppWatch;
use crate::audit::AuditOutcome;
use crate::labels;
use crate::listen::{BUDGET_WINDOW, reconnect_delay};
use crate::names::{AppName, OwnerToken, Replica};
use crate::operations::{OperationError, Operations, VerbOutcome};
use crate::runtime::{ContainerEvent, ContainerEventKind, ContainerId, EngineDetail};

/// The longest wait at once: where the time of day was changed, what is due is found within it.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What ended.
enum Done {
    /// With the losses before its connection was made.
    Compared(u64, Result<Box<Compared>, String>),
    Attended(AppName, Box<Attended>),
    Lived(AppName, ContainerId, Life),
    Retired(AppName, Result<VerbOutcome, OperationError>),
}

pub(super) struct Listener<'a> {
    operations: &'a Operations,
    owner: &'a OwnerToken,
    sink: &'a dyn ListenSink,
    apps: BTreeMap<AppName, AppWatch>,
    /// Whose a container is: events of networks do not say.
    owners: BTreeMap<ContainerId, AppName>,
    events: Option<Events>,
    /// The engine that has to answer; of its detail only what never changes counts.
    engine: EngineDetail,
    /// Whether it answered since the connection was made: nothing is done to apps before.
    has_answered: bool,
    /// Why the connection was lost, when that was told since it last answered.
    told_loss: Option<String>,
    /// Lost connections in a row.
    losses: u32,
    /// When to connect again, by the clock that never goes back; `None` while connected.
    connect_at: Option<Duration>,
    /// When this listener began; what an event tells of before is past.
    began_at: SystemTime,
    /// Since when everything is heard of.
    listens_since: Option<SystemTime>,
    after_gap: bool,
    figures: ListenFigures,
    work: FuturesUnordered<BoxFuture<'a, Done>>,
    /// What only asks: it may be dropped at any moment.
    asking: FuturesUnordered<BoxFuture<'a, Done>>,
    restarts: &'a Semaphore,
}

impl<'a> Listener<'a> {
    /// `restarts` bounds the apps whose containers are replaced at once.
    pub(super) fn new(
        operations: &'a Operations,
        owner: &'a OwnerToken,
        sink: &'a dyn ListenSink,
        restarts: &'a Semaphore,
    ) -> Self {
        Self {
            operations,
            owner,
            sink,
            apps: BTreeMap::new(),
            owners: BTreeMap::new(),
            events: None,
            engine: EngineDetail {
                identity: operations.adapters.engine.identity(),
                ..EngineDetail::default()
            },
            has_answered: false,
            told_loss: None,
            losses: 0,
            connect_at: Some(Duration::ZERO),
            began_at: operations.adapters.clock.now(),
            listens_since: None,
            after_gap: false,
            figures: ListenFigures::default(),
            work: FuturesUnordered::new(),
            asking: FuturesUnordered::new(),
            restarts,
        }
    }

    /// Listens until the use cases are cancelled.
    pub(super) async fn run(mut self) -> Result<(), OperationError> {
        let cancelled = self.operations.cancellation.cancelled().fuse();
        pin_mut!(cancelled);
        loop {
            self.begin_what_is_due();
            let wait = self.operations.adapters.clock.sleep(self.wait()).fuse();
            pin_mut!(wait);
            select_biased! {
                () = cancelled => break,
                done = next_done(&mut self.work).fuse() => self.take(done).await?,
                done = next_done(&mut self.asking).fuse() => self.take(done).await?,
                news = next_news(&mut self.events).fuse() => self.hear(news).await,
                () = wait => {}
            }
        }
        // What is under way ends by itself; whatever only waits for a lock ends at once.
        while self.work.next().await.is_some() {}
        Ok(())
    }

    fn round(&self) -> Round<'a> {
        Round {
            operations: self.operations,
            owner: self.owner,
            listens_since: self.listens_since,
            restarts: self.restarts,
        }
    }

    fn now(&self) -> Duration {
        self.operations.adapters.clock.monotonic()
    }

    fn today(&self) -> SystemTime {
        self.operations.adapters.clock.now()
    }

    /// How long nothing is to be done.
    fn wait(&self) -> Duration {
        let (now, today) = (self.now(), self.today());
        let apps = self.apps.values().filter(|_| self.has_answered);
        let apps = apps.filter_map(|app| app.wait(now, today));
        let connect = self.connect_at.map(|at| at.saturating_sub(now));
        apps.chain(connect).min().unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
    }

    fn begin_what_is_due(&mut self) {
        let (now, today) = (self.now(), self.today());
        if self.connect_at.is_some_and(|at| at <= now) {
            self.connect();
        }
        if !self.has_answered {
            return;
        }
        let round = self.round();
        for (name, watch) in &mut self.apps {
            if let Some(mail) = watch.take_mail(now) {
                watch.is_busy = true;
                let listens_since = round.listens_since.filter(|_| watch.is_known);
                let round = Round { listens_since, ..round };
                let (name, memory) = (name.clone(), std::mem::take(&mut watch.memory));
                let attend = async move {
                    let attended = round.attend(&name, memory, mail).await;
                    Done::Attended(name, Box::new(attended))
                };
                self.work.push(attend.boxed());
            } else if watch.has_to_retire(now, today) {
                watch.is_busy = true;
                watch.retires(now, today);
                let (name, operations) = (name.clone(), self.operations);
                let retire = async move {
                    let result = operations.retire(&name).await;
                    Done::Retired(name, result)
                };
                self.work.push(retire.boxed());
            }
        }
    }

    /// Subscribes first, then asks for everything: what happens in between is heard of. The first time the past is asked for too, as far
    /// as it counts against a budget.
    fn connect(&mut self) {
        self.connect_at = None;
        let is_first = self.listens_since.is_none();
        let since = self.today();
        let past = is_first.then(|| since.checked_sub(BUDGET_WINDOW)).flatten();
        self.events = Some(Events::open(self.round(), past.unwrap_or(since)));
        let (round, known, losses) = (self.round(), self.engine.clone(), self.figures.losses);
        let compare = async move { Done::Compared(losses, round.compare(&known).await.map(Box::new)) };
        self.asking.push(compare.boxed());
    }

    async fn lose(&mut self, why: String) {
        let Some(events) = self.events.take() else { return };
        let lived = self.now().saturating_sub(events.since);
        let (losses, pause) = reconnect_delay(self.losses, lived, events.has_told);
        self.losses = losses;
        self.after_gap = true;
        self.has_answered = false;
        self.figures.losses += 1;
        self.connect_at = Some(self.now().saturating_add(pause));
        if self.told_loss.as_ref() != Some(&why) {
            let text = format!(
                "lost the engine's events: {why}; connecting again in {} s",
                pause.as_secs()
            );
            self.line(None, AuditOutcome::Noticed, text).await;
            self.told_loss = Some(why);
        }
        self.tell_figures();
    }

    async fn hear(&mut self, news: News) {
        match news {
            Some(Ok(event)) => self.note(event),
            Some(Err(error)) => self.lose(described(&error)).await,
            None => self.lose("the stream ended".to_owned()).await,
        }
    }

    /// Finds out which app an event is about, and leaves word.
    fn note(&mut self, event: ContainerEvent) {
        let labelled = event.labels.get(labels::APP).and_then(|name| name.parse().ok());
        let Some(app) = labelled.or_else(|| self.owners.get(&event.container).cloned()) else {
            return;
        };
        let is_over = event.kind == ContainerEventKind::Removed;
        let deaths = match event.kind {
            ContainerEventKind::Created | ContainerEventKind::Other(_) | ContainerEventKind::Health { .. } => {
                Self::note_deadline(self.watch(app), event);
                return;
            }
            ContainerEventKind::Died { .. } => vec![event.at],
            _ => Vec::new(),
        };
        self.owners.insert(event.container.clone(), app.clone());
        let is_past = event.at < self.began_at;
        let watch = self.watch(app);
        if is_over {
            watch.deadlines.remove(&event.container);
        }
        let told = watch.mail.containers.entry(event.container).or_default();
        let moments = if is_past { &mut told.past } else { &mut told.recent };
        moments.extend(deaths);
    }

    /// What is remembered of an app. One that comes once everything is heard of is known from its beginning.
    fn watch(&mut self, app: AppName) -> &mut AppWatch {
        let is_known = self.listens_since.is_some();
        self.apps.entry(app).or_insert_with(|| AppWatch::new(is_known))
    }

    fn note_deadline(watch: &mut AppWatch, event: ContainerEvent) {
        let deadline = event.labels.get(labels::DEADLINE).and_then(|text| text.parse().ok());
        let deadline = deadline.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        if let Some(deadline) = deadline.filter(|_| event.kind == ContainerEventKind::Created) {
            watch.deadlines.insert(event.container, deadline);
        }
    }

    async fn take(&mut self, done: Done) -> Result<(), OperationError> {
        match done {
            // The stream was lost meanwhile: the comparison of the next connection counts.
            Done::Compared(losses, _) if losses != self.figures.losses => {}
            Done::Compared(_, Ok(compared)) => self.compared(*compared).await?,
            Done::Compared(_, Err(why)) => self.lose(why).await,
            Done::Attended(app, attended) => self.attended(&app, *attended),
            Done::Lived(app, container, life) => self.lived(&app, container, life),
            Done::Retired(app, result) => self.retired(app, result).await,
        }
        Ok(())
    }

    /// Everything of every app is looked at.
    async fn compared(&mut self, compared: Compared) -> Result<(), OperationError> {
        let records = self.operations.adapters.store.apps().await?;
        let known: std::collections::BTreeSet<&AppName> = records.iter().map(|record| &record.name).collect();
        self.apps.retain(|app, watch| known.contains(app) || watch.is_busy);
        for record in &records {
            let after_gap = self.after_gap;
            self.watch(record.name.clone()).mail.add(Mail {
                everything: true,
                after_gap,
                record: true,
                ..Mail::default()
            });
        }
        for (app, observed) in compared.observation.apps {
            let Some(watch) = self.apps.get_mut(&app) else { continue };
            let runs = observed.one_offs.into_iter();
            let deadlines = runs.filter_map(|run| Some((run.id, run.deadline?)));
            watch.deadlines = deadlines.collect();
        }
        let (is_first, was_lost) = (self.listens_since.is_none(), self.after_gap);
        (self.after_gap, self.has_answered, self.told_loss) = (false, true, None);
        self.engine = compared.engine;
        self.figures.compared_at = Some(self.today());
        self.sink.tell(ListenNews::Compared(is_first));
        if was_lost {
            let text = "connected again, and compared everything".to_owned();
            self.line(None, AuditOutcome::Done, text).await;
        }
        // The rounds of this comparison begin now; only what comes after them has been heard of from its beginning.
        self.begin_what_is_due();
        self.listens_since = self.listens_since.or(Some(self.today()));
        self.tell_figures();
        Ok(())
    }

    fn attended(&mut self, app: &AppName, attended: Attended) {
        self.add_counts(&attended.counts);
        for (outcome, text) in attended.lines {
            let app = Some(app.clone());
            self.sink.tell(ListenNews::Line { app, outcome, text });
        }
        let Some(memory) = attended.memory else {
            self.apps.remove(app);
            self.owners.retain(|_, owner| owner != app);
            self.tell_figures();
            return;
        };
        let now = self.now();
        let watch = self.watch(app.clone());
        watch.is_busy = false;
        watch.is_known |= attended.saw_everything;
        watch.memory = memory;
        watch.next_due = attended.next_due.or(watch.next_due.filter(|_| attended.left.is_some()));
        watch.wanted = attended.wanted;
        watch.is_quarantined = attended.is_quarantined;
        match attended.left {
            Some(mail) => watch.try_again(mail, now),
            None => watch.succeeded(),
        }
        if let Some(mail) = attended.look_again {
            watch.look_shortly(mail, now);
        }
        let containers: Vec<ContainerId> = watch.memory.keys().cloned().collect();
        self.owners.retain(|_, owner| owner != app);
        self.owners.extend(containers.into_iter().map(|id| (id, app.clone())));
        for (replica, container) in attended.alive {
            self.watch_life(app, replica, container);
        }
        self.tell_figures();
    }

    fn watch_life(&mut self, app: &AppName, replica: Replica, container: ContainerId) {
        let Some(watch) = self.apps.get_mut(app) else { return };
        if !watch.alive.insert(container.clone()) {
            return;
        }
        let (round, app) = (self.round(), app.clone());
        let live = async move {
            let life = round.watch_life(&app, &replica, &container).await;
            Done::Lived(app, container, life)
        };
        self.asking.push(live.boxed());
    }

    fn lived(&mut self, app: &AppName, container: ContainerId, life: Life) {
        let Some(watch) = self.apps.get_mut(app) else { return };
        watch.alive.remove(&container);
        watch.mail.containers.entry(container.clone()).or_default();
        if life == Life::Unhealthy {
            watch.mail.unhealthy.insert(container);
        }
    }

    async fn retired(&mut self, app: AppName, result: Result<VerbOutcome, OperationError>) {
        let Some(watch) = self.apps.get_mut(&app) else { return };
        watch.is_busy = false;
        watch.mail.record = true;
        let (outcome, text) = match result {
            Ok(outcome) if outcome.is_change() => {
                watch.retired();
                (
                    AuditOutcome::Done,
                    "removed the containers that had to retire".to_owned(),
                )
            }
            Ok(_) => return,
            Err(error) => {
                self.figures.failures += 1;
                (
                    AuditOutcome::Failed,
                    format!("could not remove what has to retire: {}", described(&error)),
                )
            }
        };
        self.line(Some(app), outcome, text).await;
    }

    /// Writes a line down, and tells it.
    async fn line(&self, app: Option<AppName>, outcome: AuditOutcome, text: String) {
        let text = self.round().audit(app.as_ref(), outcome, &text).await;
        self.sink.tell(ListenNews::Line { app, outcome, text });
    }

    fn add_counts(&mut self, counts: &ListenFigures) {
        let figures = &mut self.figures;
        figures.crashes += counts.crashes;
        figures.quarantines += counts.quarantines;
        figures.redeploys += counts.redeploys;
        figures.replacements += counts.replacements;
        figures.restores += counts.restores;
        figures.reroutes += counts.reroutes;
        figures.failures += counts.failures;
    }

    fn tell_figures(&mut self) {
        let apps = self.apps.values();
        self.figures.apps = self.apps.len();
        self.figures.wanted = apps.clone().map(|app| app.wanted).sum();
        self.figures.quarantined = apps.clone().filter(|app| app.is_quarantined).count();
        let running = |app: &AppWatch| app.memory.values().filter(|watched| watched.ran).count();
        self.figures.running = apps.map(running).sum();
        self.sink.tell(ListenNews::Figures(self.figures));
    }
}

/// The next that ends; none that is there to end is waited for.
async fn next_done(work: &mut FuturesUnordered<BoxFuture<'_, Done>>) -> Done {
    match work.next().await {
        Some(done) => done,
        None => std::future::pending().await,
    }
}

async fn next_news(events: &mut Option<Events>) -> News {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}
