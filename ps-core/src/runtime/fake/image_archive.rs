//! As much of image archives (`docker save`) as a fake needs: images, their names, their commands, their files.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::images::{FakeImage, image_id};
use super::tar_archive::{tar_files, tar_of};
use super::world::{Refusal, refuse};
use crate::runtime::{ImageDetail, RuntimeErrorKind};

/// An archive of images, each with its names and its command.
pub(crate) fn write(images: &[(&[&str], &str)]) -> Bytes {
    let (mut files, mut entries) = (Vec::new(), Vec::new());
    for (number, (names, command)) in images.iter().enumerate() {
        let names = names
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect::<Vec<_>>()
            .join(",");
        entries.push(format!(
            r#"{{"Config":"{number}.json","RepoTags":[{names}],"Layers":[]}}"#
        ));
        files.push((format!("{number}.json"), format!(r#"{{"Cmd":["{command}"]}}"#)));
    }
    files.push(("manifest.json".to_owned(), format!("[{}]", entries.join(","))));
    tar_of(files.iter().map(|(path, content)| (path.as_str(), content.as_bytes())))
}

/// The images of an archive, each with its names.
pub(super) fn read(archive: &[u8]) -> Result<Vec<(FakeImage, Vec<String>)>, Refusal> {
    let mut files = tar_files(archive);
    let text = |bytes: Option<Bytes>| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let Some(manifest) = text(files.remove("manifest.json")) else {
        return refuse(RuntimeErrorKind::Invalid, "it holds no manifest.json");
    };
    manifest.split("},").map(|entry| one(entry, &mut files)).collect()
}

/// The image of an entry of the manifest.
fn one(manifest: &str, files: &mut BTreeMap<String, Bytes>) -> Result<(FakeImage, Vec<String>), Refusal> {
    let text = |bytes: Option<Bytes>| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let config = words_at(manifest, "Config")
        .pop()
        .and_then(|path| text(files.remove(&path)));
    let Some(config) = config else {
        return refuse(RuntimeErrorKind::Invalid, "its manifest names no image");
    };
    let detail = ImageDetail {
        entrypoint: words_at(&config, "Entrypoint"),
        command: words_at(&config, "Cmd"),
        ..ImageDetail::default()
    };
    let layers = words_at(manifest, "Layers");
    let layers = layers.into_iter().filter_map(|path| files.remove(&path));
    let image = FakeImage {
        id: image_id(&config),
        detail,
        files: layers.flat_map(|layer| tar_files(&layer)).collect(),
        ..FakeImage::default()
    };
    Ok((image, words_at(manifest, "RepoTags")))
}

/// The text or the list of texts under a key, in JSON whose texts hold no quotes.
fn words_at(json: &str, key: &str) -> Vec<String> {
    let Some((_, after)) = json.split_once(&format!("\"{key}\":")) else {
        return Vec::new();
    };
    let value = match after.trim_start().strip_prefix('[') {
        Some(list) => list.split(']').next(),
        None => after.split([',', '}']).next(),
    };
    let texts = value.unwrap_or_default().split('"').skip(1).step_by(2);
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_lists_of_texts_are_found() {
        let json = r#"[{"Config":"c.json","RepoTags":["a:1","b:2"],"Layers":[],"Other":null}]"#;
        assert_eq!(words_at(json, "Config"), ["c.json"]);
        assert_eq!(words_at(json, "RepoTags"), ["a:1", "b:2"]);
        for none in ["Layers", "Other", "Absent"] {
            assert_eq!(words_at(json, none), Vec::<String>::new(), "{none}");
        }
    }
}
