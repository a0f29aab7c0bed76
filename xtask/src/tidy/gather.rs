//! Gathers the facts: `cargo metadata` for the crates, `git ls-files` for the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::failure::{Outcome, WhileDoing};
use crate::program::run_quietly;
use crate::tidy::facts::{Facts, FileFacts, PackageFacts};

/// All facts about the workspace at `root`.
pub(crate) fn gather_facts(root: &Path) -> Outcome<Facts> {
    Ok(Facts {
        packages: gather_packages(root)?,
        files: gather_files(root)?,
    })
}

fn gather_packages(root: &Path) -> Outcome<Vec<PackageFacts>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .while_doing(|| "read cargo metadata".to_owned())?;
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| package_facts(&metadata, root, package))
        .collect()
}

fn package_facts(metadata: &Metadata, root: &Path, package: &Package) -> Outcome<PackageFacts> {
    let file = package.manifest_path.as_std_path();
    let manifest = fs::read_to_string(file).while_doing(|| format!("read {}", file.display()))?;
    let tested = |kind: DependencyKind| kind == DependencyKind::Development;
    let direct = package
        .dependencies
        .iter()
        .filter(|dependency| !tested(dependency.kind));
    Ok(PackageFacts {
        name: package.name.to_string(),
        manifest_path: file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned(),
        manifest,
        direct: direct.map(|dependency| dependency.name.clone()).collect(),
        transitive: transitive_names(metadata, &package.id),
    })
}

/// Everything reachable from a crate without its or others' dev-dependencies.
fn transitive_names(metadata: &Metadata, from: &PackageId) -> BTreeSet<String> {
    let names: BTreeMap<&PackageId, String> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package.name.to_string()))
        .collect();
    let Some(resolve) = &metadata.resolve else {
        return BTreeSet::new();
    };
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(node) = open.pop().and_then(|id| nodes.get(id)) {
        for dependency in &node.deps {
            let built = dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind != DependencyKind::Development);
            if built && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen.into_iter().filter_map(|id| names.get(id).cloned()).collect()
}

fn gather_files(root: &Path) -> Outcome<Vec<FileFacts>> {
    // Also files not yet added, so that a finding comes before the commit; nothing that is ignored.
    let words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = run_quietly(Command::new("git").current_dir(root).args(words))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut files = Vec::new();
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        // Deleted but still tracked, a folder's link, or not text: nothing to check.
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            files.push(FileFacts {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_of_this_workspace_is_seen_with_its_dependencies() {
        let facts = gather_facts(&crate::workspace_folder()).unwrap();
        let core = facts.packages.iter().find(|package| package.name == "ps-core").unwrap();
        assert!(core.direct.contains("thiserror"));
        assert!(
            !core.direct.contains("proptest"),
            "dev-dependencies are no dependencies here"
        );
        assert!(core.transitive.contains("syn"));
        assert!(facts.files.iter().any(|file| file.path == "ps-core/src/lib.rs"));
    }
}
