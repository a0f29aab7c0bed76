//! `git:load-image` over the fake engine and without any.

#[expect(dead_code, reason = "other tests use the rest")]
mod fake_adapters;
#[expect(dead_code, reason = "other tests use the rest")]
mod in_process;

use fake_adapters::FakePlace;
use in_process::Place;

const STANDARD_INPUT: &str = "/dev/stdin";

const LOAD: [&str; 3] = ["git:load-image", "shop", "-"];

fn place(images: &[(&[&str], &str)]) -> FakePlace {
    let place = FakePlace::new(&[]);
    place.source.add_image_archive(STANDARD_INPUT, images);
    place
}

#[test]
fn the_image_of_an_archive_is_deployed_and_deployed_again_without_the_archive() {
    let place = place(&[(&["shop:1"], "serve")]);
    let plan = place.run(&["--dry-run", "git:load-image", "shop", "-"]);
    assert!(
        plan.starts_with("#1 [] load image archive /dev/stdin (release v1)\n"),
        "{plan}"
    );
    assert!(
        plan.contains("name the image of /dev/stdin also psctl/shop:v1"),
        "{plan}"
    );
    assert_eq!(place.run(&["--quiet", "apps:list"]), "");
    place.run(&LOAD);
    place.source.add_image_archive(STANDARD_INPUT, &[]);
    place.run(&["ps:rebuild", "shop"]);
    let releases = place.run(&["releases", "shop"]);
    assert_eq!(releases.matches("image archive /dev/stdin").count(), 2, "{releases}");
}

#[test]
fn an_archive_of_anything_else_or_of_more_is_refused() {
    for images in [&[][..], &[(&["a:1"][..], "one"), (&["b:1"][..], "two")]] {
        let place = place(images);
        place.run_with_input(&LOAD, b"", 1);
        assert_eq!(place.run(&["--quiet", "apps:list"]), "");
    }
}

#[test]
fn what_names_no_file_is_told_before_an_engine_is_asked() {
    let place = Place::new();
    for (word, code, expected) in [
        (
            "https://host.example/shop.tar",
            2,
            "`curl -fsSL <url> | psctl git:load-image shop -`",
        ),
        ("/nowhere/shop.tar", 1, "could not find the archive /nowhere/shop.tar"),
    ] {
        let run = place.run(&["git:load-image", "shop", word]);
        assert_eq!((run.code, run.out.as_str()), (code, ""), "{word}");
        assert!(run.err.contains(expected), "{}", run.err);
    }
    let help = place.run(&["help", "git:load-image"]).out;
    assert!(help.contains("ps:rebuild"), "{help}");
}
