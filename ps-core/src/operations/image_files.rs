//! What an image says of its app: the small files in its working directory. Invariant: nothing of the image is run; the one
//! container that they are read from is never started, and is gone before anything else is made.

use super::change::Extras;
use super::deploy::deploys;
use super::{OperationError, Operations, VerbOutcome};
use crate::execution::StepResult;
use crate::labels::one_off_labels;
use crate::names::{OneOffKind, one_off_name};
use crate::plan::{ContainerRef, EngineAction, Plan, StepId, StoreAction};
use crate::planning::Situation;
use crate::runtime::{ContainerSpec, ImageDetail};
use crate::source_files::{DeclaredApp, ImageFiles, SourceFile};
use crate::store::StoreChange;

impl Operations {
    /// Reads the files of an image and finds them valid. A dry run cannot look into an image, and takes it for one without files.
    pub(super) async fn declared_by_image(
        &self,
        outcome: &mut VerbOutcome,
        situation: &mut Situation,
        tag: &str,
        detail: &ImageDetail,
        verb: &str,
    ) -> Result<DeclaredApp, OperationError> {
        let (plan, reads) = plan_extract(situation, tag, detail);
        let execution = self
            .carry_out(outcome, situation, plan, verb, Extras::default())
            .await?;
        situation.record.next_generation = situation.next_generation().after(1);
        let Some(execution) = execution else {
            return Ok(DeclaredApp::default());
        };
        let found = reads
            .into_iter()
            .filter_map(|(file, step)| match execution.result(step) {
                Some(StepResult::File(Some(archive))) => Some((file, archive.clone())),
                _ => None,
            });
        let files: ImageFiles = found.collect();
        let paths = situation.policies.source_paths();
        let declared = self.adapters.source.read_image_files(&files, &paths)?;
        self.warn(&situation.record.name, &declared.warnings);
        Ok(declared)
    }
}

/// The steps that read the files of an image side by side, and the step that reads each.
fn plan_extract(situation: &Situation, image: &str, detail: &ImageDetail) -> (Plan, Vec<(SourceFile, StepId)>) {
    let app = &situation.record.name;
    let generation = situation.next_generation();
    let mut plan = Plan::new(app.clone());
    let cause = deploys(situation);
    let used = StoreChange::UseGenerations {
        app: app.clone(),
        next: generation.after(1),
    };
    let recorded = plan.push(StoreAction::Record(vec![used]), cause.clone(), &[]);
    let mut spec = ContainerSpec::new(one_off_name(app, OneOffKind::Extract, generation), image);
    spec.labels = one_off_labels(&situation.owner, app, OneOffKind::Extract, generation);
    // Never started; engines want a command even for an image that has none.
    spec.command = Some(vec!["/never-started".to_owned()]);
    let create = EngineAction::Create {
        spec: Box::new(spec),
        endpoint: None,
    };
    let created = plan.push(create, cause.clone(), &[recorded]);
    let container = ContainerRef::Made(created);
    let directory = detail.working_dir.trim_end_matches('/');
    let paths = situation.policies.source_paths();
    let reads = SourceFile::ALL.map(|file| {
        let read = EngineAction::ReadFile {
            container: container.clone(),
            path: format!("{directory}/{}", paths.of(file)),
        };
        (file, plan.push(read, cause.clone(), &[created]))
    });
    let after = reads.map(|(_, step)| step);
    plan.push(EngineAction::Remove(container), cause, &after);
    (plan, reads.to_vec())
}
