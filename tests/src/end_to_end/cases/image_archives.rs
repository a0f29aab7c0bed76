//! Images out of archives, as `docker save` writes them: loaded, deployed, rebuilt, refused.

use std::path::PathBuf;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::super::{Case, Ground, ensure};
use super::WEB;
use crate::conformance::{Failure, Verdict, archive, base_image};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        the_image_of_an_archive_is_deployed_and_rebuilt_without_its_file,
        an_image_without_a_name_comes_through_standard_input,
        what_cannot_be_loaded_changes_nothing,
        several_images_in_an_archive_are_named,
    ]
}

/// An archive of images, each of its names and layers.
fn saved(images: &[(&[&str], Vec<Bytes>)]) -> Result<Bytes, Failure> {
    let mut files: Vec<(String, Bytes)> = Vec::new();
    let mut entries = Vec::new();
    for (number, (names, layers)) in images.iter().enumerate() {
        let digests = layers.iter().map(|layer| {
            let digits: Vec<String> = Sha256::digest(layer).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("sha256:{}", digits.concat())
        });
        let config = serde_json::json!({
            "architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
            "config": {"WorkingDir": "/app", "Env": ["PATH=/bin"], "Labels": {"number": number.to_string()}},
            "rootfs": {"type": "layers", "diff_ids": digests.collect::<Vec<_>>()},
        });
        let paths: Vec<String> = (0..layers.len()).map(|layer| format!("{number}-{layer}.tar")).collect();
        files.extend(paths.iter().cloned().zip(layers.iter().cloned()));
        files.push((format!("{number}.json"), config.to_string().into()));
        entries.push(serde_json::json!({"Config": format!("{number}.json"), "RepoTags": names, "Layers": paths}));
    }
    files.push((
        "manifest.json".to_owned(),
        serde_json::Value::from(entries).to_string().into(),
    ));
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, content)| (name.as_str(), &content[..]))
        .collect();
    archive(&files)
}

/// The layers of an app that serves a page.
fn serving(page: &str) -> Result<Vec<Bytes>, Failure> {
    let busybox = crate::engines::static_busybox().ok_or("no static busybox")?;
    let files = [("app/Procfile", WEB.as_bytes()), ("page.html", page.as_bytes())];
    Ok(vec![base_image(busybox)?, archive(&files)?])
}

fn written(ground: &Ground, name: &str, content: &[u8]) -> Result<String, Failure> {
    let file: PathBuf = ground.folder().join(name);
    std::fs::write(&file, content)?;
    Ok(file.to_str().ok_or("a path that is no text")?.to_owned())
}

fn page(ground: &Ground, app: &str) -> Result<String, Failure> {
    ground.has_soon(app, &["web.1"])?;
    Ok(ground.ok(&["enter", app, "web.1", "cat", "/page.html"])?.out)
}

fn the_image_of_an_archive_is_deployed_and_rebuilt_without_its_file(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let (name, other) = (ground.image_name("shop:1"), ground.image_name("shop:stable"));
    let file = written(ground, "shop.tar", &saved(&[(&[&name, &other], serving("loaded")?)])?)?;
    let plan = ground.ok(&["--dry-run", "git:load-image", &app, &file])?;
    plan.shows(&["load image archive", "name the image of", &format!("psctl/{app}:v1")])?;
    ensure(!ground.has_image(&name)?, || "a dry run loaded it".to_owned())?;
    ground.ok(&["git:load-image", &app, &file])?;
    ensure(page(ground, &app)? == "loaded", || "another page".to_owned())?;
    ground.ok(&["releases", &app])?.shows(&["image archive", "shop.tar"])?;
    std::fs::remove_file(&file)?;
    for name in [&name, &other] {
        ground.block_on(ground.engine().remove_image(name))?;
    }
    ground.ok(&["ps:rebuild", &app])?;
    ensure(page(ground, &app)? == "loaded", || "another page".to_owned())?;
    // With its last name and its last container it is gone.
    ground.ok(&["ps:scale", &app, "web=0", "--wait-retired"])?;
    for number in 1..=2 {
        let name = format!("psctl/{app}:v{number}");
        ground.block_on(ground.engine().remove_image(&name))?;
    }
    let gone = ground.run(&["ps:rebuild", &app])?;
    gone.is_error_with_hint(1, &["shop.tar is gone from the engine", "git:load-image"])
}

fn an_image_without_a_name_comes_through_standard_input(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    // Nothing but files that are text, so that it starts nothing.
    let archive = saved(&[(&[], vec![archive(&[("app/note", app.as_bytes())])?])])?;
    let text = String::from_utf8(archive.to_vec())?;
    ground
        .run_with_input(&["git:load-image", &app, "-"], &text)?
        .code_is(0)?;
    ground.has_soon(&app, &[])?;
    ensure(ground.has_image(&format!("psctl/{app}:v1"))?, || "no image".to_owned())?;
    ground.ok(&["ps:rebuild", &app])?;
    Ok(())
}

fn what_cannot_be_loaded_changes_nothing(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let (ids, report) = (ground.ids(&app)?, ground.ok(&["ps:report", &app])?.out);
    let new = ground.app("new");
    let source = archive(&[("Dockerfile", b"FROM scratch\n"), ("Procfile", WEB.as_bytes())])?;
    for (name, content) in [
        ("garbage.tar", &[0x5a; 10_000][..]),
        ("empty.tar", &[]),
        ("source.tar", &source),
    ] {
        let file = written(ground, name, content)?;
        for app in [&app, &new] {
            let refused = ground.run(&["git:load-image", app, &file])?;
            refused.is_error_with_hint(1, &[name, "is no archive of images", "git:from-archive"])?;
        }
    }
    let missing = ground.run(&["git:load-image", &app, "/nowhere/shop.tar"])?;
    missing.is_error_with_hint(1, &["/nowhere/shop.tar"])?;
    // A deploy that fails later leaves the image that was loaded, and nothing else.
    let name = ground.image_name("broken:1");
    let broken = archive(&[("app/app.json", b"{")])?;
    let file = written(ground, "broken.tar", &saved(&[(&[&name], vec![broken])])?)?;
    for app in [&app, &new] {
        let failed = ground.run(&["git:load-image", app, &file])?;
        failed.is_error(4, &["app.json"])?;
    }
    ensure(ground.has_image(&name)?, || "it is gone".to_owned())?;
    ensure(!ground.has_image(&format!("psctl/{new}:v1"))?, || {
        "a name is left".to_owned()
    })?;
    ground.run(&["apps:exists", &new])?.code_is(20)?;
    ensure(ground.ids(&app)? == ids, || "other containers".to_owned())?;
    ensure(ground.ok(&["ps:report", &app])?.out == report, || {
        "another report".to_owned()
    })
}

fn several_images_in_an_archive_are_named(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    let (one, two) = (ground.image_name("one:1"), ground.image_name("two:1"));
    let content = saved(&[(&[&one], serving("one")?), (&[&two], serving("two")?)])?;
    let file = written(ground, "both.tar", &content)?;
    let refused = ground.run(&["git:load-image", &app, &file])?;
    refused.is_error_with_hint(1, &["holds 2 images", &one, &two, "git:from-image"])?;
    ground.run(&["apps:exists", &app])?.code_is(20)?;
    // As the hint says.
    ground.ok(&["git:from-image", &app, &two])?;
    ensure(page(ground, &app)? == "two", || "another page".to_owned())
}
