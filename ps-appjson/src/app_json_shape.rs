//! The description of app.json: every key that means something, its type, bounds and purpose. Invariant: this is the only list
//! of keys; reader and schema both come from it.

use crate::health_check::{ATTEMPTS_LIMIT, SECONDS_LIMIT};
use crate::names::NameRule;
use crate::scale_file::QUANTITY_LIMIT;
use crate::shape::{Field, Record, Shape, Unit};
use crate::text_rule::TextRule;

const ANY_TEXT: Shape = Shape::Text(TextRule::Any);

const SECONDS: Shape = Shape::Whole {
    least: 0,
    most: SECONDS_LIMIT,
    unit: Unit::Seconds,
};

/// The whole document.
pub(crate) const APP_JSON: Shape = Shape::Record(&Record {
    fields: &[
        Field::new(
            "formation",
            "How many replicas each process type has. Any `quantity` here turns `ps:scale` off and scales types without one to 0.",
            Shape::Table {
                names: NameRule::ProcessType,
                value: &Shape::Record(&PROCESS),
                example: r#"{ "web": { "quantity": 2 } }"#,
            },
        ),
        Field::new("scripts", "Commands that are run in a deploy.", Shape::Record(&SCRIPTS)),
        Field::new(
            "healthchecks",
            "Checks by process type.",
            Shape::Table {
                names: NameRule::ProcessType,
                value: &Shape::List {
                    element: &Shape::Record(&CHECK),
                    example: r#"[{ "type": "startup", "path": "/health" }]"#,
                },
                example: r#"{ "web": [{ "type": "startup", "path": "/health" }] }"#,
            },
        ),
        Field::new(
            "env",
            "Variables of the environment, set at the first deploy: a string is a default value.",
            Shape::Table {
                names: NameRule::Variable,
                value: &Shape::TextOrRecord {
                    key: "value",
                    record: &VARIABLE,
                },
                example: r#"{ "LANG": "C.UTF-8" }"#,
            },
        ),
    ],
    any_of: &[],
    example: r#"{ "formation": { "web": { "quantity": 2 } } }"#,
});

const PROCESS: Record = Record {
    fields: &[
        Field::new(
            "quantity",
            "How many replicas. `release` runs once in a deploy and can only have 0.",
            Shape::Whole {
                least: 0,
                most: QUANTITY_LIMIT,
                unit: Unit::Things,
            },
        ),
        Field::new(
            "max_parallel",
            "How many replicas are started at once; 0 is as good as no number.",
            Shape::Whole {
                least: 0,
                most: QUANTITY_LIMIT,
                unit: Unit::Things,
            },
        ),
    ],
    any_of: &[],
    example: r#"{ "quantity": 2 }"#,
};

const SCRIPTS: Record = Record {
    fields: &[
        Field::new("dokku", "Commands of every deploy.", Shape::Record(&DEPLOY_SCRIPTS)),
        Field::new("postdeploy", "Run once, in the first deploy.", ANY_TEXT),
    ],
    any_of: &[],
    example: r#"{ "dokku": { "predeploy": "bin/prepare" } }"#,
};

const DEPLOY_SCRIPTS: Record = Record {
    fields: &[
        Field::new(
            "predeploy",
            "Run before the release; its changes to files are kept in the image.",
            ANY_TEXT,
        ),
        Field::new("postdeploy", "Run after the new replicas serve.", ANY_TEXT),
    ],
    any_of: &[],
    example: r#"{ "predeploy": "bin/prepare" }"#,
};

const CHECK: Record = Record {
    fields: &[
        Field::new(
            "type",
            "`startup` decides when a new replica is ready, `liveness` when a running one is replaced; `readiness` is not run.",
            Shape::Text(TextRule::OneOf(&["startup", "liveness", "readiness"])),
        )
        .required(r#""startup""#),
        Field::new(
            "name",
            "What the check is called in output; `check-1` and so on by default.",
            Shape::Text(TextRule::Line),
        ),
        Field::new("description", "For readers.", ANY_TEXT),
        Field::new(
            "path",
            "Kind of check: this path answers 2xx over HTTP.",
            Shape::Text(TextRule::UrlPath),
        ),
        Field::new(
            "command",
            "Kind of check: this program, with its arguments, exits with 0 inside the container.",
            Shape::List {
                element: &ANY_TEXT,
                example: r#"["bin/check", "--quick"]"#,
            },
        ),
        Field::new("listening", "Kind of check: the process listens on its port.", Shape::Flag),
        Field::new("uptime", "Kind of check: the container has run for so many seconds without a restart.", SECONDS),
        Field::new(
            "attempts",
            "How often it is tried before it has failed; 0 is the default, 3.",
            Shape::Whole {
                least: 0,
                most: ATTEMPTS_LIMIT,
                unit: Unit::Things,
            },
        ),
        Field::new("timeout", "Seconds that one attempt may take; 0 is the default, 5.", SECONDS),
        Field::new("wait", "Seconds between two attempts; 0 is the default, 5.", SECONDS),
        Field::new("initialDelay", "Seconds after the start of the container before the first attempt.", SECONDS),
        Field::new("content", "With `path`: a text that the answer has to contain.", ANY_TEXT),
        Field::new(
            "port",
            "With `path` or `listening`: another port than the one of the process.",
            Shape::Whole {
                least: 1,
                most: 65_535,
                unit: Unit::Things,
            },
        ),
        Field::new(
            "scheme",
            "With `path`: `http`, the default, or `https`.",
            Shape::Text(TextRule::OneOf(&["http", "https", "HTTP", "HTTPS", ""])),
        ),
        Field::new(
            "httpHeaders",
            "With `path`: headers to send.",
            Shape::List {
                element: &Shape::Record(&HEADER),
                example: r#"[{ "name": "X-Forwarded-Proto", "value": "https" }]"#,
            },
        ),
        Field::new("warn", "A failure is reported and stops nothing.", Shape::Flag),
        Field::new(
            "onFailure",
            "Not read: it would run a program on the host.",
            Shape::Ignored {
                why: "is not read: it would run a program on the host",
                hint: "remove it; psctl itself says which check failed",
            },
        ),
    ],
    any_of: KINDS_OF_CHECK,
    example: r#"{ "type": "startup", "path": "/health" }"#,
};

/// The keys of which a check has exactly one.
pub(crate) const KINDS_OF_CHECK: &[&str] = &["path", "command", "listening", "uptime"];

const HEADER: Record = Record {
    fields: &[
        Field::new("name", "Name of the header.", Shape::Text(TextRule::HeaderName)).required(r#""X-Forwarded-Proto""#),
        Field::new("value", "Its value.", Shape::Private(&Shape::Text(TextRule::Line))),
    ],
    any_of: &[],
    example: r#"{ "name": "X-Forwarded-Proto", "value": "https" }"#,
};

const VARIABLE: Record = Record {
    fields: &[
        Field::new("description", "For readers.", ANY_TEXT),
        Field::new("value", "The default value.", Shape::Private(&ANY_TEXT)),
        Field::new(
            "required",
            "Whether a deploy fails without a value; `true` by default.",
            Shape::Flag,
        ),
        Field::new(
            "generator",
            "`secret`: the value is made by chance.",
            Shape::Text(TextRule::OneOf(&["secret", ""])),
        ),
        Field::new(
            "sync",
            "Whether every deploy sets the value, not only the first.",
            Shape::Flag,
        ),
    ],
    any_of: &[],
    example: r#"{ "description": "Language of messages", "value": "C.UTF-8" }"#,
};
