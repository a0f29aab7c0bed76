//! Reads the small files of a source together. Invariant: all that are there are valid, or the source is refused with the errors of
//! all of them at once.

use ps_appjson::{AppJson, ChecksFile, Diagnostic, Diagnostics, FormatErrors, ScaleFile};
use ps_core::checks::HealthCheck;
use ps_core::manifest::{EnvRequests, Manifest};
use ps_core::names::ProcessType;
use ps_core::source::{SourceError, SourceErrorKind, SourcePaths};
use ps_core::source_files::{DeclaredApp, SourceFile};

use crate::commands::read_procfile;
use crate::manifest_values::{checks_of, env_of, manifest_of, quantities_of};
use crate::refusal::invalid_file;

/// More warnings of one file are counted only.
const SHOWN_WARNINGS: usize = 20;

/// What the files say. `content` gives a file's bytes, and nothing where it is not there.
pub(crate) fn declared_app(
    paths: &SourcePaths,
    content: impl Fn(SourceFile) -> Result<Option<Vec<u8>>, SourceError>,
) -> Result<DeclaredApp, SourceError> {
    let mut reading = Reading::new(paths, content);
    let processes = reading.read(SourceFile::Procfile, read_procfile)?;
    let app = reading.read(SourceFile::AppJson, app_json)?;
    let (mut manifest, env) = app.unwrap_or_default();
    let checks = reading.read(SourceFile::Checks, |source, file, warnings| {
        if manifest.checks.contains_key(&ProcessType::web()) {
            warnings.push(format!(
                "`{file}` is not read, since `{}` has checks of web",
                paths.app_json
            ));
            return Ok(Vec::new());
        }
        early_checks(source, file, warnings)
    })?;
    let quantities = reading.read(SourceFile::Scale, |source, file, _| {
        let scale = ScaleFile::parse(source).map_err(|errors| invalid(&errors, file, source))?;
        quantities_of(&scale).map_err(|error| invalid_file(format!("{file}: {error}")))
    })?;
    if quantities.is_some() && manifest.owns_scale() {
        reading.warn(format!(
            "`{}` does nothing, since `{}` has quantities",
            paths.of(SourceFile::Scale),
            paths.app_json
        ));
    }
    manifest.scale_file = quantities;
    if let Some(checks) = checks.filter(|checks| !checks.is_empty()) {
        manifest.checks.insert(ProcessType::web(), checks);
    }
    Ok(DeclaredApp {
        processes: processes.unwrap_or_default(),
        manifest,
        env,
        warnings: reading.finish()?,
    })
}

/// Takes one file after the other.
struct Reading<'a, C> {
    paths: &'a SourcePaths,
    content: C,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl<'a, C: Fn(SourceFile) -> Result<Option<Vec<u8>>, SourceError>> Reading<'a, C> {
    fn new(paths: &'a SourcePaths, content: C) -> Self {
        Self {
            paths,
            content,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// What a file says; nothing where it is not there, or is invalid, which is told at the end. Any other failure is told at once.
    fn read<T>(
        &mut self,
        file: SourceFile,
        parse: impl FnOnce(&[u8], &str, &mut Vec<String>) -> Result<T, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        let name = self.paths.of(file);
        let parsed = match (self.content)(file) {
            Ok(Some(source)) => parse(&source, name, &mut self.warnings).map(Some),
            Ok(None) => {
                self.warnings.extend(missing(file, name));
                Ok(None)
            }
            Err(error) => Err(error),
        };
        match parsed {
            Err(error) if error.kind == SourceErrorKind::InvalidFile => {
                self.errors.push(error.message);
                Ok(None)
            }
            other => other,
        }
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// The warnings, or the errors of all files in one.
    fn finish(self) -> Result<Vec<String>, SourceError> {
        if self.errors.is_empty() {
            Ok(self.warnings)
        } else {
            Err(invalid_file(self.errors.join("\n")))
        }
    }
}

/// What to say of a file that is not where somebody said it was.
fn missing(file: SourceFile, path: &str) -> Option<String> {
    let usual = match file {
        SourceFile::Procfile => "Procfile",
        SourceFile::AppJson => "app.json",
        SourceFile::Checks | SourceFile::Scale => return None,
    };
    let text =
        format!("there is no `{path}` in the source, so the app has no {usual}; the usual `{usual}` is not looked at");
    (path != usual).then_some(text)
}

fn app_json(source: &[u8], file: &str, warnings: &mut Vec<String>) -> Result<(Manifest, EnvRequests), SourceError> {
    let app = AppJson::parse(source).map_err(|errors| invalid(&errors, file, source))?;
    warnings.extend(lines_of(&app.warnings, file));
    let manifest = manifest_of(&app).map_err(|error| invalid_file(format!("{file}: {error}")))?;
    Ok((manifest, env_of(&app)))
}

fn early_checks(source: &[u8], file: &str, warnings: &mut Vec<String>) -> Result<Vec<HealthCheck>, SourceError> {
    let checks = ChecksFile::parse(source).map_err(|errors| invalid(&errors, file, source))?;
    warnings.push(format!(
        "`{file}` is the early form of checks; `healthchecks.web` in app.json says the same and more"
    ));
    warnings.extend(lines_of(&checks.warnings, file));
    Ok(checks_of(&checks.checks))
}

fn invalid(errors: &FormatErrors, file: &str, source: &[u8]) -> SourceError {
    invalid_file(errors.render(file, source))
}

/// A line for each warning, with its place.
fn lines_of(warnings: &Diagnostics, file: &str) -> Vec<String> {
    let mut lines: Vec<String> = warnings
        .iter()
        .take(SHOWN_WARNINGS)
        .map(|warning| line_of(warning, file))
        .collect();
    if let Some(more @ 1..) = warnings.len().checked_sub(SHOWN_WARNINGS) {
        lines.push(format!("{file}: and {more} more"));
    }
    lines
}

fn line_of(warning: &Diagnostic, file: &str) -> String {
    let place = warning.location.as_ref();
    let place = place.map_or_else(String::new, |place| format!("{}:{}:", place.line, place.column));
    let key = warning
        .key_path
        .as_ref()
        .map_or_else(String::new, |key| format!("{key}: "));
    format!("{file}:{place} {key}{}; {}", warning.message, warning.hint)
}
