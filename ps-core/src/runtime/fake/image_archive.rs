//! As much of image archives (`docker save`) as a fake needs: one image, its names, its command, its files.

use bytes::Bytes;

use super::images::{FakeImage, image_id};
use super::tar_files;
use super::world::{Refusal, refuse};
use crate::runtime::{ImageDetail, RuntimeErrorKind};

/// The image of an archive, and its names.
pub(super) fn read(archive: &[u8]) -> Result<(FakeImage, Vec<String>), Refusal> {
    let mut files = tar_files(archive);
    let text = |bytes: Option<Bytes>| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let Some(manifest) = text(files.remove("manifest.json")) else {
        return refuse(RuntimeErrorKind::Invalid, "it holds no manifest.json");
    };
    let config = words_at(&manifest, "Config")
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
    let layers = words_at(&manifest, "Layers");
    let layers = layers.into_iter().filter_map(|path| files.remove(&path));
    let image = FakeImage {
        id: image_id(&config),
        detail,
        files: layers.flat_map(|layer| tar_files(&layer)).collect(),
        ..FakeImage::default()
    };
    Ok((image, words_at(&manifest, "RepoTags")))
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
