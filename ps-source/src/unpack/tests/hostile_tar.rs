//! Tar archives that were made to do harm. Invariant: each is refused with a sentence that names the entry, and nothing is
//! written outside.

use tar::EntryType;

use super::samples::{Entry, Ground, directory, entry, file, gzip, hard_link, link, refusal, tar};

#[test]
fn names_that_lead_out_are_refused() {
    for name in [
        &b"../outside"[..],
        b"/etc/psctl-was-here",
        b"a/../../outside",
        b"a/..",
        b"..",
    ] {
        let text = String::from_utf8_lossy(name).into_owned();
        assert_eq!(
            refusal(&tar(&[file(name, b"x")])),
            format!("`{text}` leads out of the archive")
        );
    }
}

#[test]
fn links_that_lead_out_are_refused() {
    for target in [&b"/etc/passwd"[..], b"..", b"../outside", b"a/../../outside", b"/"] {
        let text = refusal(&tar(&[link(b"x", target), file(b"a/b", b"")]));
        let target = String::from_utf8_lossy(target);
        assert_eq!(
            text,
            format!("`x` in the archive is a link to `{target}`, which leads out of it")
        );
    }
    let circle = refusal(&tar(&[link(b"x", b"y"), link(b"y", b"x")]));
    assert_eq!(
        circle,
        "`x` in the archive is a link to `y`, which leads back to itself"
    );
}

#[test]
fn a_link_that_leads_out_through_another_one_is_refused() {
    // As text, x stays inside; as the system reads it, it does not.
    let entries = [
        file(b"a/b/c", b""),
        link(b"a/b/up", b"../.."),
        link(b"x", b"a/b/up/../outside"),
    ];
    assert_eq!(
        refusal(&tar(&entries)),
        "`x` in the archive is a link to `a/b/up/../outside`, which leads out of it"
    );
}

#[test]
fn nothing_is_written_through_a_link() {
    for target in [&b".."[..], b".", b"real"] {
        let entries = [
            directory(b"real"),
            link(b"x", target),
            file(b"x/outside", b"overwritten"),
        ];
        assert_eq!(
            refusal(&tar(&entries)),
            "`x/outside` in the archive leads through `x`, which is no directory"
        );
        let entries = [link(b"x", target), directory(b"x/y")];
        assert_eq!(
            refusal(&tar(&entries)),
            "`x/y` in the archive leads through `x`, which is no directory"
        );
    }
    let through_a_file = [file(b"x", b""), file(b"x/y", b"")];
    assert!(refusal(&tar(&through_a_file)).contains("which is no directory"));
}

#[test]
fn hard_links_to_anything_but_an_earlier_file_are_refused() {
    let no_file = "which is no file before it in the archive";
    for entries in [
        vec![hard_link(b"x", b"nothing")],
        vec![hard_link(b"x", b"later"), file(b"later", b"")],
        vec![link(b"l", b"later"), hard_link(b"x", b"l")],
        vec![directory(b"d"), hard_link(b"x", b"d")],
        vec![link(b"l", b"d"), file(b"d/f", b""), hard_link(b"x", b"l/f")],
    ] {
        let text = refusal(&tar(&entries));
        assert!(text.ends_with(no_file), "{text}");
    }
    for target in [&b"../outside"[..], b"/etc/passwd"] {
        let text = refusal(&tar(&[hard_link(b"x", target)]));
        assert!(text.ends_with("leads out of the archive"), "{text}");
    }
}

#[test]
fn devices_and_pipes_are_refused() {
    for kind in [
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::new(b'V'),
        EntryType::new(b'D'),
    ] {
        assert_eq!(
            refusal(&tar(&[entry(kind, b"dev/x")])),
            "`dev/x` in the archive is neither a file, a directory nor a link"
        );
    }
}

#[test]
fn a_name_that_comes_twice_is_refused() {
    for entries in [
        [file(b"a", b"1"), file(b"a", b"2")],
        [file(b"a", b"1"), file(b"./a", b"2")],
        [file(b"a", b"1"), link(b"a", b"b")],
        [link(b"a", b"b"), file(b"a", b"1")],
        [directory(b"a"), link(b"a", b"b")],
        [file(b"a", b"1"), directory(b"a")],
        [file(b"a", b"1"), hard_link(b"a", b"a")],
    ] {
        assert_eq!(refusal(&tar(&entries)), "`a` is in the archive twice");
    }
}

#[test]
fn archives_that_grow_past_the_limits_are_refused() {
    let too_large = "the source holds more than 0 MiB";
    assert_eq!(refusal(&gzip(&tar(&[file(b"zeros", &[0; 10_001])]))), too_large);
    let half: &[u8] = &[0; 6000];
    assert_eq!(refusal(&tar(&[file(b"a", half), file(b"b", half)])), too_large);
    assert_eq!(refusal(&tar(&[file(b"a", half), hard_link(b"b", b"a")])), too_large);
    // Announced, and not there: refused before anything of it is written.
    let announced = Entry {
        size: Some(5_000_000_000),
        ..file(b"a", b"")
    };
    assert_eq!(refusal(&tar(&[announced])), too_large);
    let names: Vec<String> = (0..21).map(|number| number.to_string()).collect();
    let many: Vec<Entry<'_>> = names.iter().map(|name| file(name.as_bytes(), b"")).collect();
    let too_many = "the source holds more than 20 files and directories";
    assert_eq!(refusal(&tar(&many)), too_many);
    // Nothing but the same directory, again and again.
    let again = vec![directory(b"d"); 3000];
    assert_eq!(refusal(&gzip(&tar(&again))), too_large);
    let deep = "d/".repeat(40) + "x";
    assert_eq!(refusal(&tar(&[file(deep.as_bytes(), b"")])), too_many);
}

#[test]
fn sparse_files_are_refused() {
    let mut sparse = entry(EntryType::GNUSparse, b"hole");
    sparse.content = b"";
    let expected = "`hole` in the archive is a sparse file";
    assert_eq!(refusal(&tar(&[sparse])), expected);
    let pax = Entry {
        content: b"22 GNU.sparse.major=1\n",
        ..entry(EntryType::XHeader, b"pax")
    };
    assert_eq!(refusal(&tar(&[pax, file(b"hole", b"")])), expected);
}

#[test]
fn headers_are_bounded_and_cannot_contradict_each_other() {
    let long = vec![b'x'; 1024 * 1024 + 1];
    for kind in [
        EntryType::GNULongName,
        EntryType::GNULongLink,
        EntryType::XHeader,
        EntryType::XGlobalHeader,
    ] {
        let header = Entry {
            content: &long,
            ..entry(kind, b"header")
        };
        assert_eq!(
            refusal(&tar(&[header, file(b"a", b"")])),
            "a header in the archive is larger than 1 MiB"
        );
    }
    let pax = Entry {
        content: b"11 size=99\n",
        ..entry(EntryType::XHeader, b"pax")
    };
    assert_eq!(
        refusal(&tar(&[pax, file(b"a", b"x")])),
        "`a` in the archive has two sizes"
    );
    let pax = Entry {
        content: b"19 path=../outside\n",
        ..entry(EntryType::XHeader, b"pax")
    };
    assert_eq!(
        refusal(&tar(&[pax, file(b"a", b"x")])),
        "`../outside` leads out of the archive"
    );
    let name = Entry {
        content: b"/etc/x\0",
        ..entry(EntryType::GNULongName, b"name")
    };
    assert_eq!(
        refusal(&tar(&[name, file(b"a", b"x")])),
        "`/etc/x` leads out of the archive"
    );
    assert_eq!(refusal(&tar(&[file(b"", b"x")])), "an entry of the archive has no name");
}

#[test]
fn a_refusal_cannot_move_the_cursor() {
    let text = refusal(&tar(&[file(b"../\x1b[2Jx\n", b"")]));
    assert_eq!(text, "`../\u{fffd}[2Jx\u{fffd}` leads out of the archive");
}

#[test]
fn a_refused_archive_leaves_no_link_behind() {
    let ground = Ground::new();
    ground
        .unpack(&tar(&[link(b"good", b"a"), link(b"bad", b"/etc")]))
        .unwrap_err();
    assert_eq!(std::fs::read_dir(ground.tree()).unwrap().count(), 0);
}
