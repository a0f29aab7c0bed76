//! Zip archives that were made to do harm. Invariant: each is refused with a sentence, and nothing is written outside.

use super::samples::{Ground, ZipEntry, refusal, zip};

const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

#[test]
fn names_and_links_that_lead_out_are_refused() {
    for name in [&b"../outside"[..], b"/etc/psctl-was-here", b"a/../../outside"] {
        let text = String::from_utf8_lossy(name).into_owned();
        assert_eq!(
            refusal(&zip(&[(name, FILE, b"x")])),
            format!("`{text}` leads out of the archive")
        );
    }
    for target in [&b"/etc/passwd"[..], b"../outside"] {
        let text = refusal(&zip(&[(b"x", LINK, target)]));
        assert!(text.ends_with("which leads out of it"), "{text}");
    }
    let through = zip(&[(b"x", LINK, b"."), (b"x/outside", FILE, b"x")]);
    assert_eq!(
        refusal(&through),
        "`x/outside` in the archive leads through `x`, which is no directory"
    );
    let long = vec![b'a'; 5000];
    assert_eq!(
        refusal(&zip(&[(b"x", LINK, &long)])),
        "`x` in the archive is a link to a name that is too long"
    );
}

#[test]
fn devices_and_pipes_are_refused() {
    for mode in [0o020_644, 0o060_644, 0o010_644, 0o140_644] {
        assert_eq!(
            refusal(&zip(&[(b"x", mode, b"")])),
            "`x` in the archive is neither a file, a directory nor a link"
        );
    }
}

#[test]
fn names_that_come_twice_are_refused() {
    assert_eq!(
        refusal(&zip(&[(b"a", FILE, b"1"), (b"a", FILE, b"2")])),
        "a name is in the archive twice"
    );
    assert_eq!(
        refusal(&zip(&[(b"a", FILE, b"1"), (b"./a", FILE, b"2")])),
        "`a` is in the archive twice"
    );
}

#[test]
fn bombs_are_refused() {
    assert_eq!(
        refusal(&zip(&[(b"zeros", FILE, &[0; 10_001])])),
        "the source holds more than 0 MiB"
    );
    let names: Vec<String> = (0..21).map(|number| number.to_string()).collect();
    let many: Vec<ZipEntry<'_>> = names.iter().map(|name| (name.as_bytes(), FILE, &b""[..])).collect();
    assert_eq!(
        refusal(&zip(&many)),
        "the source holds more than 20 files and directories"
    );
}

#[test]
fn a_size_that_is_not_told_truly_is_no_way_around_the_limit() {
    let mut archive = zip(&[(b"zeros", FILE, &vec![0; 20_000])]);
    let told = 20_000_u32.to_le_bytes();
    let places: Vec<usize> = (0..archive.len() - 4)
        .filter(|at| archive[*at..*at + 4] == told)
        .collect();
    assert_eq!(places.len(), 2);
    for at in places {
        archive[at..at + 4].copy_from_slice(&5_u32.to_le_bytes());
    }
    let ground = Ground::new();
    ground.unpack(&archive).unwrap_err();
    let written = std::fs::metadata(ground.tree().join("zeros")).map_or(0, |metadata| metadata.len());
    assert!(written <= 10_001, "{written}");
}

#[test]
fn entries_that_share_their_bytes_are_refused() {
    let mut archive = zip(&[(b"a", FILE, &[1; 500]), (b"b", FILE, &[1; 500])]);
    // The second entry of the index points to where the first one is.
    let second = archive.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    archive[second + 42..second + 46].copy_from_slice(&0_u32.to_le_bytes());
    let text = refusal(&archive);
    assert_eq!(text, "entries of the archive share their bytes");
}
