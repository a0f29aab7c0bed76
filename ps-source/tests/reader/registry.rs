//! Credentials out of registry files and helpers. Invariant: no secret appears in an error.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ps_core::runtime::RegistryCredentials;
use ps_core::source::{SourceError, SourceReader};
use ps_source::{Environment, FileSourceReader};
use tempfile::TempDir;

fn environment(directory: &TempDir) -> Environment {
    let root = directory.path().to_owned();
    Environment::read(|name| match name {
        "HOME" => Some(root.join("home").into()),
        "XDG_RUNTIME_DIR" => Some(root.join("run").into()),
        "PATH" => Some(root.join("bin").into()),
        _ => None,
    })
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn auths(registry: &str, pair: &str) -> String {
    format!(r#"{{"auths":{{"{registry}":{{"auth":"{}"}}}}}}"#, STANDARD.encode(pair))
}

/// Another process writes the program: a descriptor of ours, inherited by a test's child beside us, would make it busy.
fn helper(directory: &TempDir, name: &str, script: &str) {
    let draft = directory.path().join("draft");
    write(&draft, &format!("#!/bin/sh\n{script}\n"));
    let path = directory.path().join("bin").join(format!("docker-credential-{name}"));
    assert!(
        Command::new("install")
            .args(["-D", "-m", "755"])
            .args([draft, path])
            .status()
            .unwrap()
            .success()
    );
}

async fn credentials(environment: Environment, image: &str) -> Result<Option<RegistryCredentials>, SourceError> {
    FileSourceReader::new(environment).registry_credentials(image).await
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with an answer")]
fn found(server: &str, username: &str, password: &str) -> Option<RegistryCredentials> {
    Some(RegistryCredentials {
        server: server.to_owned(),
        username: username.to_owned(),
        password: password.to_owned(),
    })
}

#[tokio::test]
async fn without_files_there_are_no_credentials() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(
        credentials(environment(&directory), "registry.example/shop:v1")
            .await
            .unwrap(),
        None
    );
    assert_eq!(credentials(Environment::default(), "shop").await.unwrap(), None);
}

#[tokio::test]
async fn the_first_file_that_knows_the_registry_answers() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write(
        &root.join("home/.docker/config.json"),
        &auths("registry.example", "docker:a:b"),
    );
    let image = "registry.example/team/shop:v1";
    let answer = credentials(environment(&directory), image).await.unwrap();
    assert_eq!(answer, found("registry.example", "docker", "a:b"));

    write(
        &root.join("home/.config/containers/auth.json"),
        &auths("registry.example/team", "config:c"),
    );
    let answer = credentials(environment(&directory), image).await.unwrap();
    assert_eq!(answer, found("registry.example", "config", "c"));

    write(&root.join("run/containers/auth.json"), &auths("other.example", "run:d"));
    let answer = credentials(environment(&directory), image).await.unwrap();
    assert_eq!(answer, found("registry.example", "config", "c"));

    write(&root.join("own.json"), &auths("https://registry.example/v2/", "own:e"));
    let own = Environment {
        registry_auth_file: Some(root.join("own.json")),
        ..environment(&directory)
    };
    assert_eq!(
        credentials(own, image).await.unwrap(),
        found("registry.example", "own", "e")
    );

    write(&root.join("dc/config.json"), &auths("localhost:5000", "dc:f"));
    let docker = Environment {
        docker_config: Some(root.join("dc")),
        ..environment(&directory)
    };
    assert_eq!(
        credentials(docker, "localhost:5000/shop").await.unwrap(),
        found("localhost:5000", "dc", "f")
    );
}

#[tokio::test]
async fn docker_hub_is_known_by_its_old_address() {
    let directory = tempfile::tempdir().unwrap();
    let hub = "https://index.docker.io/v1/";
    write(
        &directory.path().join("home/.docker/config.json"),
        &auths(hub, "me:secret"),
    );
    for image in ["shop", "acme/shop:v1", "docker.io/acme/shop"] {
        let answer = credentials(environment(&directory), image).await.unwrap();
        assert_eq!(answer, found(hub, "me", "secret"), "{image}");
    }
    assert_eq!(
        credentials(environment(&directory), "registry.example/shop")
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_helper_is_asked_through_its_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    helper(
        &directory,
        "own",
        "read -r server; printf '{\"ServerURL\":\"%s\",\"Username\":\"%s\",\"Secret\":\"s3\"}' $server $1-$server",
    );
    let config = directory.path().join("home/.docker/config.json");
    write(
        &config,
        r#"{"auths":{"registry.example":{}},"credHelpers":{"registry.example":"own"}}"#,
    );
    let answer = credentials(environment(&directory), "registry.example/shop")
        .await
        .unwrap();
    assert_eq!(answer, found("registry.example", "get-registry.example", "s3"));
    assert_eq!(
        credentials(environment(&directory), "other.example/shop")
            .await
            .unwrap(),
        None
    );

    write(&config, r#"{"auths":{},"credsStore":"own"}"#);
    let answer = credentials(environment(&directory), "shop").await.unwrap();
    assert_eq!(
        answer,
        found("https://index.docker.io/v1/", "get-https://index.docker.io/v1/", "s3")
    );
}

#[tokio::test]
async fn a_helper_without_an_entry_leaves_the_file_to_answer() {
    let directory = tempfile::tempdir().unwrap();
    helper(
        &directory,
        "own",
        "echo 'credentials not found in native keychain'; exit 1",
    );
    let content = auths("registry.example", "me:x").replacen('{', r#"{"credsStore":"own","#, 1);
    write(&directory.path().join("home/.docker/config.json"), &content);
    let answer = credentials(environment(&directory), "registry.example/shop")
        .await
        .unwrap();
    assert_eq!(answer, found("registry.example", "me", "x"));
}

#[tokio::test]
async fn a_missing_helper_matters_only_when_it_was_named_for_the_registry() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("home/.docker/config.json");
    write(
        &config,
        r#"{"credsStore":"desktop","credHelpers":{"registry.example":"gone","evil.example":"../x"}}"#,
    );
    assert_eq!(
        credentials(environment(&directory), "other.example/shop")
            .await
            .unwrap(),
        None
    );
    let error = credentials(environment(&directory), "registry.example/shop")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("docker-credential-gone"), "{error}");
    assert!(credentials(environment(&directory), "evil.example/shop").await.is_err());
}

#[tokio::test]
async fn errors_show_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("home/.docker/config.json");
    for content in [
        r#"{"auths":{"registry.example":"hunter2"}}"#,
        r#"{"auths":{"registry.example":{"auth":"hunter2!"}}}"#,
    ] {
        write(&config, content);
        let error = credentials(environment(&directory), "registry.example/shop")
            .await
            .unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    helper(&directory, "bad", "echo hunter2; exit 3");
    write(&config, r#"{"credsStore":"bad"}"#);
    let error = credentials(environment(&directory), "registry.example/shop")
        .await
        .unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}
