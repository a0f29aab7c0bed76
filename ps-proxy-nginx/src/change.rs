//! How a change goes: render, test, swap, reload, and ask until nginx answers with the new number. Invariant: an error that is not
//! `OutcomeUnknown` means that what was served before is served, and that the files say so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use ps_core::names::AppName;
use ps_core::proxy::{ProxyError, ProxyErrorKind, SiteChange};

use crate::config::NginxConfig;
use crate::durable_file::replace;
use crate::generation::{Generations, PRIVATE};
use crate::lock::ChangeLock;
use crate::own_configuration;
use crate::places::Places;
use crate::program::Program;
use crate::refusal::{
    HASH_BUCKET_SIZE, NewSite, conflict, has_buckets_twice, refusal, too_small_buckets, wants_larger_buckets,
};
use crate::rendering::{Surroundings, quoted};
use crate::swap::Swap;
use crate::test_tree::TestTree;

/// Permissions of the file that others' tools look into.
pub(crate) const PUBLIC: u32 = 0o644;

/// One change, with everything that was found out for it. It holds the lock.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) config: NginxConfig,
    pub(crate) places: Places,
    pub(crate) program: Program,
    pub(crate) surroundings: Surroundings,
    pub(crate) patience: Duration,
    pub(crate) pid_file: PathBuf,
    /// nginx does not run, and is not to be started.
    pub(crate) is_down: bool,
    pub(crate) _lock: ChangeLock,
}

/// What is there before.
#[derive(Debug)]
struct Before {
    /// The generation that the files name.
    named: Option<u64>,
    /// The one that is answered with.
    answered: Option<u64>,
    /// The one that the new one is made of: what is served, also when the files were left saying something else.
    base: Option<u64>,
}

/// The files of apps that change; without a text one goes.
pub(crate) type Texts = BTreeMap<AppName, Option<String>>;

impl Change {
    /// Makes it, or puts back what was there.
    pub(crate) async fn make(&self, changes: &[SiteChange]) -> Result<(), ProxyError> {
        let before = self.look().await?;
        let only_removes = changes.iter().all(|change| matches!(change, SiteChange::Remove(_)));
        if only_removes && before.base.is_none() || self.is_in_force(&before, changes).await? {
            return Ok(());
        }
        let generations = Generations::of(&self.places);
        let number = generations.take_number()?;
        let texts = self.texts(changes, number)?;
        if let Err(error) = self.prepare(number, &before, changes, &texts).await {
            generations.remove(number)?;
            return Err(error);
        }
        let swap = Swap::to(self.entrances(number)?)?;
        let eve = self.eve();
        if let Err(error) = swap.make() {
            generations.remove(number)?;
            return Err(error);
        }
        if self.is_down {
            self.tidy_up(before.base, number);
            return Ok(());
        }
        let outcome = match self.bring_in().await {
            Ok(()) => self.wait_for(number, &eve).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                self.tidy_up(before.base, number);
                Ok(())
            }
            Err(error) => Err(self.put_back(&swap, &before, error).await),
        }
    }

    async fn look(&self) -> Result<Before, ProxyError> {
        let generations = Generations::of(&self.places);
        let named = generations.named()?;
        let answered = match named {
            Some(named) if self.master().is_some() => {
                let port = generations.port(named)?.unwrap_or(self.config.http_port);
                self.question(port).ask().await
            }
            _ => None,
        };
        let base = answered.filter(|number| generations.exists(*number)).or(named);
        Ok(Before { named, answered, base })
    }

    fn texts(&self, changes: &[SiteChange], number: u64) -> Result<Texts, ProxyError> {
        let mut texts = Texts::new();
        for change in changes {
            let text = match change {
                SiteChange::Serve(site) => Some(self.surroundings.site_text(site, number)?),
                SiteChange::Remove(_) => None,
            };
            texts.insert(change.app().clone(), text);
        }
        Ok(texts)
    }

    /// Whether everything is as it should be already.
    async fn is_in_force(&self, before: &Before, changes: &[SiteChange]) -> Result<bool, ProxyError> {
        let Some(named) = before.named.filter(|named| before.answered == Some(*named)) else {
            return Ok(false);
        };
        let generations = Generations::of(&self.places);
        let texts = self.texts(changes, named)?;
        for (app, text) in &texts {
            if generations.site_text(named, app)? != *text {
                return Ok(false);
            }
        }
        let before = self.ports_of_before(Some(named), &texts)?;
        let base = self
            .surroundings
            .base_text(named, &before, self.buckets_of(Some(named))?)?;
        let is_same = generations.base_text(named)? == Some(base) && Swap::to(self.entrances(named)?)?.is_empty();
        Ok(is_same && self.question(self.config.http_port).is_steadily(Some(named)).await)
    }

    /// The room for names that a generation sets.
    fn buckets_of(&self, number: Option<u64>) -> Result<Option<u32>, ProxyError> {
        let text = match number {
            Some(number) => Generations::of(&self.places).base_text(number)?,
            None => None,
        };
        let sets = text.is_some_and(|text| text.contains("\nserver_names_hash_bucket_size "));
        Ok(sets.then_some(HASH_BUCKET_SIZE))
    }

    /// The files that nginx begins to read from.
    fn entrances(&self, number: u64) -> Result<Vec<(PathBuf, String, u32)>, ProxyError> {
        let naming = Generations::of(&self.places).naming(number);
        let serving = (self.places.serving(), naming, PRIVATE);
        Ok(if let Some(include_file) = self.places.include_file() {
            let pattern = quoted(&self.places.serving_pattern());
            let text = format!("# Written by psctl: the sites of its apps.\ninclude {pattern};\n");
            vec![serving, (include_file.to_owned(), text, PUBLIC)]
        } else {
            let text = own_configuration::text(&self.places, &self.surroundings.short_owner)?;
            vec![(self.places.own_configuration(), text, PRIVATE), serving]
        })
    }

    /// Writes the generation and has it tested.
    async fn prepare(
        &self,
        number: u64,
        before: &Before,
        changes: &[SiteChange],
        texts: &Texts,
    ) -> Result<(), ProxyError> {
        let generations = Generations::of(&self.places);
        let mut buckets = self.buckets_of(before.base)?;
        let ports = self.ports_of_before(before.base, texts)?;
        let base = self.surroundings.base_text(number, &ports, buckets)?;
        generations.make(number, before.base, &base, texts)?;
        let sites = self.new_sites(before, changes, texts)?;
        let mut is_second = false;
        loop {
            let (is_good, said, raw) = self.test(number).await?;
            if is_good {
                return conflict(&said, &sites).map_or(Ok(()), Err);
            }
            let is_small = wants_larger_buckets(&raw);
            if is_second && is_small {
                return Err(too_small_buckets(said));
            }
            buckets = match buckets {
                None if is_small && !self.is_own() && !is_second => Some(HASH_BUCKET_SIZE),
                Some(_) if has_buckets_twice(&raw) => None,
                _ => return Err(refusal(said, &sites)),
            };
            if is_second {
                return Err(too_small_buckets(said));
            }
            is_second = true;
            generations.write_base(number, &self.surroundings.base_text(number, &ports, buckets)?)?;
        }
    }

    fn new_sites<'a>(
        &self,
        before: &Before,
        changes: &'a [SiteChange],
        texts: &'a Texts,
    ) -> Result<Vec<NewSite<'a>>, ProxyError> {
        let generations = Generations::of(&self.places);
        let mut sites = Vec::new();
        for change in changes {
            let (SiteChange::Serve(site), Some(Some(text))) = (change, texts.get(change.app())) else {
                continue;
            };
            let old = match before.base {
                Some(base) => generations.site_text(base, &site.app)?.unwrap_or_default(),
                None => String::new(),
            };
            let names: BTreeSet<&str> = old.split([' ', ';', '\n']).collect();
            let domains = site.settings.domains.iter().map(ps_core::domains::Domain::as_str);
            sites.push(NewSite {
                app: &site.app,
                template: site.settings.template.as_deref(),
                path: self.places.site_file(&site.app),
                text,
                new_domains: domains.filter(|domain| !names.contains(domain)).collect(),
            });
        }
        Ok(sites)
    }

    /// Whether nginx would take the generation, and what it says in the names of real files.
    async fn test(&self, number: u64) -> Result<(bool, Vec<String>, Vec<String>), ProxyError> {
        let generations = Generations::of(&self.places);
        let mut tree = TestTree::new(self.places.test_tree())?;
        tree.add_serving(&generations.naming(number), self.places.serving())?;
        if let Some(include_file) = self.places.include_file() {
            tree.add_system(&self.program.configuration, include_file)?;
        } else {
            let text = own_configuration::text_for(&tree, &self.places, &self.surroundings.short_owner)?;
            tree.add_main(&text, self.places.own_configuration())?;
        }
        let ended = self.program.test(tree.main()).await?;
        let apps = generations.apps_folder(number).display().to_string();
        let shown = self.places.sites().display().to_string();
        let said = tree.in_real_names(&ended.said);
        let said = said.iter().map(|line| line.replace(&apps, &shown)).collect();
        let outcome = (ended.is_success(), said, ended.said);
        tree.remove()?;
        Ok(outcome)
    }

    /// Brings back what was served before, and finds out whether it is.
    async fn put_back(&self, swap: &Swap, before: &Before, cause: ProxyError) -> ProxyError {
        match self.restore(swap, before).await {
            Ok(true) => cause,
            Ok(false) => unknown(
                cause,
                "the old files are back, and whether nginx serves them is not known",
            ),
            Err(error) => unknown(cause, &format!("putting the old files back failed too: {error}")),
        }
    }

    /// Whether it is known that the old configuration serves again.
    async fn restore(&self, swap: &Swap, before: &Before) -> Result<bool, ProxyError> {
        let generations = Generations::of(&self.places);
        let serving = self.places.serving();
        let again = if let Some(base) = before.base {
            // On a disk that is full the old generation itself still does.
            let again = generations.copy(base).unwrap_or(base);
            replace(&serving, &generations.naming(again), PRIVATE)?;
            swap.undo_but(Some(&serving))?;
            Some(again)
        } else {
            swap.undo_but(None)?;
            None
        };
        if let Some(again) = again {
            self.tidy_up(before.base, again);
        }
        let Some(master) = self.master() else {
            // It did not run before either, or it is gone with everything it served.
            return Ok(before.answered.is_none());
        };
        let eve = self.eve();
        let is_told = self.reload(master).await.is_ok();
        let is_proven = match again {
            Some(again) if is_told && self.wait_for(again, &eve).await.is_ok() => true,
            // What never took in the new files serves what it always did.
            Some(_) => match before.answered {
                Some(answered) => {
                    let port = generations.port(answered)?.unwrap_or(self.config.http_port);
                    self.question(port).is_steadily(Some(answered)).await
                }
                None => false,
            },
            None => self.is_gone().await,
        };
        Ok(is_proven)
    }

    /// Shows people what is named now, and removes what nobody needs. The next change does what fails here.
    fn tidy_up(&self, base: Option<u64>, named: u64) {
        let generations = Generations::of(&self.places);
        let _ = generations.show(named);
        let kept: Vec<u64> = base.into_iter().chain([named]).collect();
        let _ = generations.keep_only(&kept);
    }
}

fn unknown(cause: ProxyError, doubt: &str) -> ProxyError {
    let message = format!("{}; {doubt}", cause.message);
    ProxyError {
        kind: ProxyErrorKind::OutcomeUnknown,
        message,
        ..cause
    }
}
