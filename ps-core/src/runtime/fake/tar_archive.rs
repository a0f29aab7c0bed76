//! As much of the tar format as a fake needs: plain files, short names.

use std::collections::BTreeMap;

use bytes::Bytes;

const BLOCK: usize = 512;

/// A tar archive of one file.
pub(crate) fn tar_file(path: &str, content: &[u8]) -> Bytes {
    tar_of([(path, content)])
}

/// A tar archive of files.
pub(crate) fn tar_of<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Bytes {
    let mut archive = Vec::new();
    for (path, content) in files {
        let mut header = path.as_bytes().to_vec();
        header.resize(100, 0);
        header.extend_from_slice(b"0000644\x000000000\x000000000\0");
        header.extend_from_slice(format!("{:011o}\0{:011o}\0        0", content.len(), 0).as_bytes());
        header.resize(257, 0);
        header.extend_from_slice(b"ustar\x0000");
        header.resize(BLOCK, 0);
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header.splice(148..156, format!("{sum:06o}\0 ").into_bytes());
        archive.extend_from_slice(&header);
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    archive.into()
}

/// The files of a tar archive by path, without a leading `./` or `/`. Other entries are left out.
pub(crate) fn tar_files(archive: &[u8]) -> BTreeMap<String, Bytes> {
    let mut files = BTreeMap::new();
    let mut left = archive;
    while let Some((header, after)) = left.split_at_checked(BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let size = header
            .get(124..136)
            .map(text)
            .and_then(|octal| usize::from_str_radix(octal.trim(), 8).ok());
        let Some((content, rest)) = size.and_then(|size| {
            let (whole, rest) = after.split_at_checked(size.next_multiple_of(BLOCK))?;
            Some((whole.get(..size)?, rest))
        }) else {
            break;
        };
        let (prefix, name) = (header.get(345..500).map(text), header.get(..100).map(text));
        let prefix = prefix
            .filter(|_| header.get(257..262) == Some(b"ustar"))
            .unwrap_or_default();
        let name = name.unwrap_or_default();
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        if matches!(header.get(156), Some(b'0' | 0)) {
            let path = path.trim_start_matches("./").trim_start_matches('/');
            files.insert(path.to_owned(), Bytes::copy_from_slice(content));
        }
        left = rest;
    }
    files
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or(field)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let long = vec![7_u8; 1500];
        let archive = tar_of([("a/Procfile", b"web: x\n".as_slice()), ("b", &long), ("empty", b"")]);
        let files = tar_files(&archive);
        assert_eq!(files.get("a/Procfile").unwrap().as_ref(), b"web: x\n");
        assert_eq!(files.get("b").unwrap().as_ref(), long.as_slice());
        assert_eq!(files.len(), 3);
    }
}
