//! The example apps, built from their own files on a local image in place of the public one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::{Case, Ground, ensure};
use crate::conformance::{Failure, Verdict};

/// A root tree for the example's `FROM` line is named by its variable; `cargo xtask test` makes it.
const PYTHON: &str = "PSCTL_TEST_PYTHON_ROOT";
const NODE: &str = "PSCTL_TEST_NODE_ROOT";

pub(super) fn cases() -> Vec<Case> {
    let is_wanted = |variable| std::env::var_os(variable).is_some() || std::env::var_os("PS_REQUIRE_ENGINES").is_some();
    let mut cases = Vec::new();
    if is_wanted(PYTHON) {
        cases.extend(super::cases![
            the_python_example_is_deployed_scaled_and_rolled_back,
            a_python_release_that_is_not_healthy_never_serves,
        ]);
    }
    if is_wanted(NODE) {
        cases.extend(super::cases![the_node_example_passes_checks_of_every_kind]);
    }
    cases
}

/// A copy of an example that begins with a local image.
struct Example {
    source: PathBuf,
}

impl Example {
    fn prepare(ground: &Ground, name: &str, variable: &str) -> Result<Self, Failure> {
        let tar = std::env::var_os(variable).ok_or_else(|| format!("{variable} names no root tree"))?;
        let image = ground.import_root(name, Path::new(&tar))?;
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let source = ground.folder().join(name);
        std::fs::create_dir_all(&source)?;
        for file in std::fs::read_dir(examples.join(name))? {
            let file = file?;
            std::fs::copy(file.path(), source.join(file.file_name()))?;
        }
        let dockerfile = source.join("Dockerfile");
        let text = std::fs::read_to_string(&dockerfile)?;
        let (from, rest) = text.split_once('\n').ok_or("the example's Dockerfile is one line")?;
        ensure(from.starts_with("FROM "), || format!("not a FROM line: {from}"))?;
        std::fs::write(&dockerfile, format!("FROM {image}\n{rest}"))?;
        Ok(Self { source })
    }

    fn path(&self) -> Result<&str, Failure> {
        Ok(self.source.to_str().ok_or("a path that is no text")?)
    }

    fn write(&self, file: &str, text: &str) -> Verdict {
        Ok(std::fs::write(self.source.join(file), text)?)
    }
}

/// What a web replica answers.
fn page(ground: &Ground, app: &str, replica: &str) -> Result<String, Failure> {
    let document: serde_json::Value = serde_json::from_str(&ground.ok(&["ps:report", app, "--format", "json"])?.out)?;
    let replicas = document
        .pointer("/apps/0/replicas")
        .and_then(|replicas| replicas.as_array());
    let found = replicas.and_then(|replicas| {
        replicas
            .iter()
            .find(|one| one.get("name").is_some_and(|name| name == replica))
    });
    let found = found.ok_or_else(|| format!("no {replica} in {document}"))?;
    let text = |key: &str| found.get(key).map(|value| value.to_string().replace('"', ""));
    let (address, port) = text("address")
        .zip(text("port"))
        .ok_or_else(|| format!("{replica} has no address"))?;
    let mut stream = TcpStream::connect(format!("{address}:{port}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn the_python_example_is_deployed_scaled_and_rolled_back(ground: &Ground) -> Verdict {
    let example = Example::prepare(ground, "python", PYTHON)?;
    let app = ground.app("visitors");
    let deployed = ground.ok(&["deploy", &app, example.path()?])?;
    ensure(deployed.err.contains("release | migrating to release 1"), || {
        deployed.told()
    })?;
    let secret = ground.ok(&["config:get", &app, "SESSION_KEY"])?.out;
    let is_generated = secret.trim_end().len() == 64 && secret.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit());
    ensure(is_generated, || "app.json's secret was not generated".to_owned())?;
    ensure(!deployed.err.contains(secret.trim_end()), || {
        "the secret is shown".to_owned()
    })?;

    ground.ok(&["ps:scale", &app, "web=2", "worker=1"])?;
    ground.runs(&app, &["web.1", "web.2", "worker.1"])?;
    ground.ok(&["checks:run", &app])?;
    let answer = page(ground, &app, "web.2")?;
    ensure(answer.contains("replica: web.2\nrelease: 1\n"), || answer)?;

    example.write("release.txt", "2\n")?;
    ground.ok(&["config:set", &app, "--no-restart", "GREETING=Welcome"])?;
    ground.ok(&["deploy", &app])?;
    let answer = page(ground, &app, "web.1")?;
    ensure(
        answer.contains("Welcome from python\n") && answer.contains("release: 2\n"),
        || answer,
    )?;
    ensure(ground.ok(&["config:get", &app, "SESSION_KEY"])?.out == secret, || {
        "a later deploy changed the secret".to_owned()
    })?;

    // The source is gone, and nothing is built.
    std::fs::remove_dir_all(&example.source)?;
    let rolled_back = ground.ok(&["ps:rollback", &app])?;
    ensure(!rolled_back.err.contains("Building"), || rolled_back.told())?;
    let answer = page(ground, &app, "web.1")?;
    ensure(
        answer.contains("Hello from python\n") && answer.contains("release: 1\n"),
        || answer,
    )?;
    ground.has_soon(&app, &["web.1", "web.2", "worker.1"])
}

fn a_python_release_that_is_not_healthy_never_serves(ground: &Ground) -> Verdict {
    let example = Example::prepare(ground, "python", PYTHON)?;
    let app = ground.app("visitors");
    ground.ok(&["deploy", &app, example.path()?])?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    let before = ground.ids(&app)?;
    let web = std::fs::read_to_string(example.source.join("web.py"))?;
    example.write("web.py", &web.replace("self.answer(\"ok\\n\")", "self.send_error(500)"))?;
    let manifest = std::fs::read_to_string(example.source.join("app.json"))?;
    example.write("app.json", &manifest.replace("\"attempts\": 20", "\"attempts\": 5"))?;
    ground
        .run(&["deploy", &app])?
        .is_error(8, &["web.1", "/health", "500"])?;
    ensure(ground.ids(&app)? == before, || {
        "the old containers were touched".to_owned()
    })?;

    example.write("web.py", &web)?;
    example.write("app.json", &manifest)?;
    example.write("worker.py", "raise SystemExit(3)\n")?;
    ground
        .run(&["deploy", &app])?
        .is_error(8, &["worker.1", "exit code 3"])?;
    ensure(ground.ids(&app)? == before, || {
        "a failing worker touched web".to_owned()
    })?;
    let answer = page(ground, &app, "web.1")?;
    ensure(answer.contains("release: 1\n"), || answer)
}

fn the_node_example_passes_checks_of_every_kind(ground: &Ground) -> Verdict {
    let example = Example::prepare(ground, "node", NODE)?;
    let app = ground.app("notes");
    let deployed = ground.ok(&["deploy", &app, example.path()?])?;
    for line in ["migrating to release 1", "the new release serves"] {
        ensure(deployed.err.contains(line), || deployed.told())?;
    }
    ground.ok(&["ps:scale", &app, "web=4", "worker=1"])?;
    ground.runs(&app, &["web.1", "web.2", "web.3", "web.4", "worker.1"])?;
    ground
        .ok(&["checks:run", &app])?
        .shows(&["listening", "GET /health", "command node"])?;
    let answer = page(ground, &app, "web.4")?;
    ensure(answer.contains("Hello from node\nreplica: web.4\nrelease: 1\n"), || {
        answer
    })
}
