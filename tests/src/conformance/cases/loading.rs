//! Loading archives of images.

use bytes::Bytes;
use ps_core::runtime::{RemoveOutcome, RuntimeErrorKind as Kind};

use super::super::bench::{archive, kind_of, stream_of};
use super::super::{Bench, Case, Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_loaded_archive_tells_the_names_it_held,
        a_loaded_image_without_a_name_is_told_by_its_id,
        loading_again_changes_nothing,
        a_loaded_name_is_taken_from_the_image_that_had_it,
        loading_what_is_no_archive_of_images_is_invalid,
    ]
}

/// The digest of an archive without files, which is 1024 zeros.
const EMPTY_LAYER: &str = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// An archive of one image, whose command is a word.
fn saved(names: &[&str], command: &str) -> Result<Bytes, Failure> {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let manifest = format!(
        r#"[{{"Config":"config.json","RepoTags":[{}],"Layers":["layer.tar"]}}]"#,
        names.join(",")
    );
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Cmd":["{command}"]}},"created":"2026-01-01T00:00:00Z",
        "history":[{{"created":"2026-01-01T00:00:00Z"}}],"rootfs":{{"type":"layers","diff_ids":["{EMPTY_LAYER}"]}}}}"#
    );
    archive(&[
        ("config.json", config.as_bytes()),
        ("layer.tar", &[0; 1024]),
        ("manifest.json", manifest.as_bytes()),
    ])
}

async fn load(bench: &Bench, archive: Bytes) -> Result<Vec<String>, Failure> {
    let mut words = bench.engine.load_image(stream_of(archive)).await?;
    words.sort_unstable();
    Ok(words)
}

async fn command_of(bench: &Bench, image: &str) -> Result<Vec<String>, Failure> {
    Ok(bench.engine.inspect_image(image).await?.command)
}

async fn a_loaded_archive_tells_the_names_it_held(bench: &Bench) -> Verdict {
    let (one, two) = (bench.image_name("one"), bench.image_name("two"));
    let words = load(bench, saved(&[&one, &two], &bench.name("serve"))?).await?;
    // Podman puts a host in front of a name that has none.
    let is_told = |(word, name): (&String, &String)| word == name || word.ends_with(&format!("/{name}"));
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words.iter().zip([&one, &two]).all(is_told), "{words:?}");
    for word in words.iter().chain([&one, &two]) {
        assert_eq!(command_of(bench, word).await?, [bench.name("serve")], "{word}");
    }
    Ok(())
}

async fn a_loaded_image_without_a_name_is_told_by_its_id(bench: &Bench) -> Verdict {
    let words = load(bench, saved(&[], &bench.name("nameless"))?).await?;
    let [id] = words.as_slice() else {
        return Err(format!("not one id: {words:?}").into());
    };
    assert_eq!(command_of(bench, id).await?, [bench.name("nameless")]);
    assert_eq!(bench.engine.remove_image(id).await?, RemoveOutcome::Removed);
    Ok(())
}

async fn loading_again_changes_nothing(bench: &Bench) -> Verdict {
    let name = bench.image_name("one");
    let archive = saved(&[&name], &bench.name("serve"))?;
    let first = load(bench, archive.clone()).await?;
    let id = bench.engine.inspect_image(&name).await?.id;
    assert_eq!(load(bench, archive).await?, first);
    assert_eq!(bench.engine.inspect_image(&name).await?.id, id);
    Ok(())
}

async fn a_loaded_name_is_taken_from_the_image_that_had_it(bench: &Bench) -> Verdict {
    let (name, kept) = (bench.image_name("one"), bench.image_name("kept"));
    load(bench, saved(&[&name, &kept], &bench.name("before"))?).await?;
    load(bench, saved(&[&name], &bench.name("after"))?).await?;
    assert_eq!(command_of(bench, &name).await?, [bench.name("after")]);
    assert_eq!(command_of(bench, &kept).await?, [bench.name("before")]);
    Ok(())
}

async fn loading_what_is_no_archive_of_images_is_invalid(bench: &Bench) -> Verdict {
    let whole = saved(&[&bench.image_name("one")], "serve")?;
    let other = archive(&[("app/Procfile", b"web: serve\n")])?;
    for (what, bytes) in [
        ("nothing", Bytes::new()),
        ("garbage", Bytes::from(vec![0x5a; 20_000])),
        ("files", other),
        ("a part", whole.slice(..700)),
    ] {
        let loaded = bench.engine.load_image(stream_of(bytes)).await;
        assert_eq!(kind_of(&loaded), Some(Kind::Invalid), "{what}: {loaded:?}");
    }
    Ok(())
}
