//! A parsed app.json. Invariant: names of process types and variables are valid, and `release` is not scaled.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;

use crate::app_json_shape::APP_JSON;
use crate::check_reading::read_checks;
use crate::diagnostic::{Diagnostics, FormatErrors, ProblemKind};
use crate::document::read_document;
use crate::file_text::file_text;
use crate::findings::{Findings, Problem};
use crate::health_check::HealthCheck;
use crate::key_path::KeyPath;
use crate::piece::{Content, Fields, Piece};
use crate::schema::schema_of;
use crate::shape_reading::read_shape;

/// What app.json says. Everything else in the file (`name`, `cron`, `buildpacks`, …) is kept quiet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppJson {
    /// Quantities and parallelism by process type.
    pub formation: BTreeMap<String, ProcessFormation>,
    /// Commands that are run in a deploy.
    pub scripts: Scripts,
    /// Checks by process type, in the order of the file. A type may have an empty list, which is as good as none.
    pub health_checks: BTreeMap<String, Vec<HealthCheck>>,
    /// Variables by name.
    pub env: BTreeMap<String, EnvDeclaration>,
    /// What the file says that does nothing here.
    pub warnings: Diagnostics,
}

/// What app.json says about the replicas of a process type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessFormation {
    /// How many there are, at most [`crate::QUANTITY_LIMIT`]. If any type has a quantity, the types without one have 0.
    pub quantity: Option<u32>,
    /// How many are started at once.
    pub max_parallel: Option<NonZeroU32>,
}

/// Commands for the app's shell; never blank.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scripts {
    /// `scripts.dokku.predeploy`: before the release, its file changes kept.
    pub predeploy: Option<String>,
    /// `scripts.dokku.postdeploy`: after the new replicas serve.
    pub postdeploy: Option<String>,
    /// `scripts.postdeploy`: once, in the first deploy.
    pub first_deploy: Option<String>,
}

/// What app.json says about a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvDeclaration {
    /// For readers.
    pub description: Option<String>,
    /// Where its first value comes from.
    pub default: EnvDefault,
    /// Whether a deploy fails when it has no value.
    pub required: bool,
    /// Whether every deploy sets it to its default, not only the first.
    pub sync: bool,
}

/// Where the first value of a variable comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum EnvDefault {
    /// Nowhere: somebody has to set it. An empty default in the file is this, as in Dokku.
    Nothing,
    /// From the file; never empty. It may be a password; `Debug` does not show it.
    Value(String),
    /// `generator: secret`: 64 hexadecimal digits, made by chance.
    Secret,
}

impl fmt::Debug for EnvDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Value(_) => "Value(…)",
            Self::Secret => "Secret",
        })
    }
}

impl AppJson {
    /// Parses a whole file: JSON with comments and trailing commas, in UTF-8, of at most [`crate::SIZE_LIMIT`] bytes and 100
    /// levels. A blank file is an empty object, and `null` is a key that is not there.
    ///
    /// A syntax error is reported alone; else all errors are, in file order. A key that stands twice in an object is an error:
    /// Dokku would take the last one.
    ///
    /// ```
    /// use ps_appjson::{AppJson, CheckKind, EnvDefault};
    ///
    /// let app = AppJson::parse(br#"{
    ///   "name": "shop", // other keys are kept quiet
    ///   "formation": { "web": { "quantity": 2, "max_parallel": 2 } },
    ///   "scripts": { "dokku": { "predeploy": "bin/assets" } },
    ///   "healthchecks": { "web": [{ "type": "startup", "path": "/health" }] },
    ///   "env": { "SECRET_KEY": { "generator": "secret" }, },
    /// }"#)?;
    /// assert_eq!(app.formation["web"].quantity, Some(2));
    /// assert_eq!(app.scripts.predeploy.as_deref(), Some("bin/assets"));
    /// assert!(matches!(&app.health_checks["web"][0].kind, CheckKind::Path(check) if check.path == "/health"));
    /// assert_eq!(app.env["SECRET_KEY"].default, EnvDefault::Secret);
    /// assert!(app.warnings.is_empty());
    /// # Ok::<(), ps_appjson::FormatErrors>(())
    /// ```
    pub fn parse(source: &[u8]) -> Result<Self, FormatErrors> {
        let text = file_text(source)?;
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let Some(document) = read_document(text)? else {
            return Ok(Self::default());
        };
        let mut findings = Findings::new(text);
        let piece = read_shape(&APP_JSON, &document, &KeyPath::Document, &mut findings);
        let mut app = match &piece.content {
            Content::Record(fields) => read_app(fields, &mut findings),
            _ => Self::default(),
        };
        app.warnings = findings.finish()?;
        Ok(app)
    }

    /// The JSON schema of app.json (draft 2020-12), one document with a final newline. It says types, bounds and names; that a
    /// check has only one kind, that keys are unique and that `release` is not scaled is known to [`AppJson::parse`] alone.
    ///
    /// ```
    /// assert!(ps_appjson::AppJson::schema().contains("https://json-schema.org/draft/2020-12/schema"));
    /// ```
    pub fn schema() -> String {
        schema_of(&APP_JSON)
    }
}

fn read_app(fields: &Fields<'_>, findings: &mut Findings<'_>) -> AppJson {
    let scripts = fields.record("scripts");
    let of_deploys = scripts.and_then(|scripts| scripts.record("dokku"));
    AppJson {
        formation: by_name(fields, "formation", |piece, path| read_process(piece, path, findings)),
        scripts: Scripts {
            predeploy: of_deploys.and_then(|scripts| scripts.unblank_text("predeploy")),
            postdeploy: of_deploys.and_then(|scripts| scripts.unblank_text("postdeploy")),
            first_deploy: scripts.and_then(|scripts| scripts.unblank_text("postdeploy")),
        },
        health_checks: by_name(fields, "healthchecks", |piece, path| read_checks(piece, path, findings)),
        env: by_name(fields, "env", |piece, path| read_variable(piece, path, findings)),
        warnings: Diagnostics::default(),
    }
}

/// The entries of a table, each read with its path.
fn by_name<T>(
    fields: &Fields<'_>,
    key: &str,
    mut read: impl FnMut(&Piece<'_>, &KeyPath<'_>) -> T,
) -> BTreeMap<String, T> {
    let path = KeyPath::Document.key(key);
    let entries = fields.table(key).iter();
    entries
        .map(|(name, piece)| ((*name).to_owned(), read(piece, &path.key(name))))
        .collect()
}

fn read_process(piece: &Piece<'_>, path: &KeyPath<'_>, findings: &mut Findings<'_>) -> ProcessFormation {
    let Content::Record(fields) = &piece.content else {
        return ProcessFormation::default();
    };
    let quantity = fields.whole("quantity");
    let scaled = fields.given("quantity").filter(|_| quantity > Some(0));
    if let (KeyPath::Key(_, "release"), Some(scaled)) = (path, scaled) {
        let message = "`release` runs once in every deploy and cannot be scaled";
        let problem = Problem::new(ProblemKind::InvalidValue, message, "remove it, or write 0");
        findings.error(scaled.span.clone(), path.key("quantity").to_string(), problem);
    }
    ProcessFormation {
        quantity,
        max_parallel: fields.whole("max_parallel").and_then(NonZeroU32::new),
    }
}

fn read_variable(piece: &Piece<'_>, path: &KeyPath<'_>, findings: &mut Findings<'_>) -> EnvDeclaration {
    let nothing = Fields::default();
    let fields = match &piece.content {
        Content::Record(fields) => fields,
        _ => &nothing,
    };
    let default = match (fields.text("value"), fields.given("generator")) {
        (None, None) => EnvDefault::Nothing,
        (Some(value), None) => EnvDefault::Value(value.to_owned()),
        (None, Some(_)) => EnvDefault::Secret,
        (Some(_), Some(generator)) => {
            let message = "stands beside `value`, and only one of them can be the default";
            let problem = Problem::new(ProblemKind::Conflict, message, "remove one of the two");
            findings.error(generator.span.clone(), path.key("generator").to_string(), problem);
            EnvDefault::Secret
        }
    };
    EnvDeclaration {
        description: fields.unblank_text("description"),
        default,
        required: fields.flag("required").unwrap_or(true),
        sync: fields.flag("sync").unwrap_or_default(),
    }
}
