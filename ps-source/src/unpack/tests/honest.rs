//! Archives as people make them. Invariant: what is in them is what is on disk afterwards.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use tar::EntryType;

use super::samples::{Entry, Ground, content, directory, entry, file, gzip, hard_link, link, refusal, tar, zip};

/// 2000-01-01, as the samples have it.
const ZIP_TIME: i64 = 946_684_800;

const APP: [Entry<'_>; 4] = [
    file(b"Dockerfile", b"FROM scratch\n"),
    file(b"src/main.js", b"main"),
    link(b"current", b"src/./main.js"),
    hard_link(b"src/again.js", b"./src/main.js"),
];

#[test]
fn files_links_and_directories_are_unpacked_whatever_they_are_packed_with() {
    for archive in [tar(&APP), gzip(&tar(&APP))] {
        let ground = Ground::new();
        let root = ground.unpack(&archive).unwrap();
        assert_eq!(root, ground.tree().join(""));
        for name in ["src/main.js", "current", "src/again.js"] {
            assert_eq!(content(&root, name), "main");
        }
        assert_eq!(
            fs::read_link(root.join("current")).unwrap().to_str(),
            Some("src/./main.js")
        );
        let metadata = root.join("src/main.js").symlink_metadata().unwrap();
        assert_eq!((metadata.mtime(), metadata.mode() & 0o7777), (1_700_000_000, 0o644));
    }
}

#[test]
fn a_zip_archive_is_unpacked_with_modes_and_links() {
    let archive = zip(&[
        (b"Dockerfile", 0o100_644, b"FROM scratch\n"),
        (b"bin/", 0o040_755, b""),
        (b"bin/run", 0o104_755, b"#!/bin/sh\n"),
        (b"run", 0o120_777, b"bin/run"),
        (b"plain", 0, b"made without modes"),
    ]);
    let ground = Ground::new();
    let root = ground.unpack(&archive).unwrap();
    assert_eq!(content(&root, "run"), "#!/bin/sh\n");
    let mode = |name: &str| root.join(name).metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode("bin/run"), mode("bin"), mode("plain")), (0o755, 0o755, 0o644));
    assert_eq!(root.join("run").symlink_metadata().unwrap().mtime(), ZIP_TIME);
}

#[test]
fn the_only_directory_of_an_archive_is_the_source() {
    let ground = Ground::new();
    let inside = [
        directory(b"shop-1.2/"),
        file(b"shop-1.2/Dockerfile", b"x"),
        link(b"shop-1.2/a", b"Dockerfile"),
    ];
    let root = ground.unpack(&tar(&inside)).unwrap();
    assert_eq!(root, ground.tree().join("shop-1.2"));
    // Two of them, or a file beside it, are the source itself.
    let ground = Ground::new();
    let root = ground.unpack(&tar(&[file(b"a/x", b"x"), file(b"b/x", b"x")])).unwrap();
    assert_eq!(root, ground.tree().join(""));
    // A link that leaves the source, if not the archive, leads out.
    let text = refusal(&tar(&[file(b"top/x", b"x"), link(b"top/y", b"../z")]));
    assert_eq!(
        text,
        "`top/y` in the archive is a link to `../z`, which leads out of it"
    );
}

#[test]
fn archives_of_other_programs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}/{}", "d".repeat(120), "é".repeat(70));
    let path = folder.path().join("shop").join(&long);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "deep").unwrap();
    std::os::unix::fs::symlink(&long, folder.path().join("shop/link")).unwrap();
    for format in ["gnu", "pax", "posix"] {
        let packed = Command::new("tar")
            .args(["--format", format, "-C"])
            .arg(folder.path())
            .args(["-czf", "-", "shop"])
            .output()
            .unwrap();
        assert!(packed.status.success(), "{packed:?}");
        let ground = Ground::new();
        let root = ground.unpack(&packed.stdout).unwrap();
        assert_eq!(
            (content(&root, &long), content(&root, "link")),
            ("deep".into(), "deep".into()),
            "{format}"
        );
    }
}

#[test]
fn archives_that_git_makes_of_a_commit_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        let user = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"];
        let output = command
            .current_dir(folder.path())
            .args(user)
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    fs::create_dir(folder.path().join("bin")).unwrap();
    fs::write(folder.path().join("bin/run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(folder.path().join("bin/run"), Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("bin/run", folder.path().join("run")).unwrap();
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "-m", "one"]);
    for format in ["tar", "tar.gz", "zip"] {
        let format = format!("--format={format}");
        let ground = Ground::new();
        let root = ground
            .unpack(&git(&["archive", "--prefix=shop-1/", &format, "HEAD"]))
            .unwrap();
        assert_eq!(root, ground.tree().join("shop-1"));
        assert_eq!(content(&root, "run"), "#!/bin/sh\n", "{format}");
        assert_eq!(root.join("bin/run").metadata().unwrap().mode() & 0o111, 0o111);
    }
}

#[test]
fn names_that_are_no_text_stay_as_they_are() {
    let name: &[u8] = b"caf\xe9\xff";
    for archive in [tar(&[file(name, b"x")]), zip(&[(name, 0o100_644, b"x")])] {
        let ground = Ground::new();
        let root = ground.unpack(&archive).unwrap();
        assert_eq!(fs::read(root.join(OsStr::from_bytes(name))).unwrap(), b"x");
    }
}

#[test]
fn no_mode_outlives_its_nine_bits_and_everything_can_be_removed() {
    let entries = [
        Entry {
            mode: 0o4000,
            ..directory(b"closed")
        },
        Entry {
            mode: 0o6755,
            ..file(b"closed/setuid", b"x")
        },
        Entry {
            mode: 0,
            ..file(b"closed/unreadable", b"x")
        },
    ];
    let ground = Ground::new();
    ground.unpack(&tar(&entries)).unwrap();
    let mode = |name: &str| ground.tree().join(name).metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode("closed"), 0o700);
    assert_eq!(mode("closed/setuid"), 0o755);
    assert_eq!(mode("closed/unreadable"), 0o400);
    fs::set_permissions(ground.tree(), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_an_archive_says_of_itself_is_passed_over() {
    let global = Entry {
        content: b"52 comment=0123456789012345678901234567890123456789\n",
        ..entry(EntryType::XGlobalHeader, b"pax_global_header")
    };
    let ground = Ground::new();
    let root = ground.unpack(&tar(&[global, file(b"top/x", b"x")])).unwrap();
    assert_eq!(content(&root, "x"), "x");
}

#[test]
fn a_directory_may_be_named_again() {
    let ground = Ground::new();
    let entries = [directory(b"./"), directory(b"a"), file(b"a/x", b"x"), directory(b"a/")];
    ground.unpack(&tar(&entries)).unwrap();
}

#[test]
fn what_is_no_archive_is_called_so() {
    for (bytes, expected) in [
        (&b""[..], "the archive is empty"),
        (&[0; 2048], "the archive is empty"),
        (b"BZh91AY&SY", "the archive is packed with bzip2"),
        (b"\xfd7zXZ\0\0", "the archive is packed with xz"),
        (b"\x28\xb5\x2f\xfd\0\0\0\0", "the archive is packed with zstd"),
    ] {
        assert_eq!(refusal(bytes), expected);
    }
    for bytes in [
        b"PASSWORD=hunter2\n".repeat(100),
        gzip(&b"PASSWORD=hunter2\n".repeat(100)),
    ] {
        let error = Ground::new().unpack(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "the file is no archive, or a damaged one");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    assert_eq!(
        Ground::new().unpack(b"PK\x03\x04 and no more").unwrap_err().to_string(),
        "the zip archive cannot be read"
    );
    let cut = tar(&[file(b"a", &[7; 3000])]);
    assert!(Ground::new().unpack(&cut[..2000]).is_err());
    let cut = gzip(&tar(&[file(b"a", &[7; 3000])]));
    assert!(Ground::new().unpack(&cut[..cut.len() - 20]).is_err());
}
