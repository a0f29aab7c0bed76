//! Properties of random files made of nasty pieces. Invariant: whatever is found here is checked by the fuzzer too.

mod checks;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ps_procfile::{LINE_LIMIT, NAME_LIMIT, Procfile, Rules};

/// Pieces where readers go wrong: blanks of all sets, comment signs, half characters, line ends, limits.
const PIECES: [&[u8]; 64] = [
    b"web",
    b"worker",
    b"a",
    b"A",
    b"we_b",
    b"-",
    b"--",
    b"x-1",
    b"Web",
    b"_",
    b"0",
    b":",
    b": ",
    b" :",
    b"::",
    b"\t:\t",
    b"\n",
    b"\n",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r\n",
    b"\r",
    b"\r\r\n",
    b" ",
    b" ",
    b"\t",
    b"\x0b",
    b"\x0c",
    b"#",
    b" #",
    b" # ",
    b"//",
    b" //",
    b" // ",
    b"/",
    b"# c",
    b"\\",
    b"'",
    b"\"",
    b"=",
    b"\0",
    b"\x1b",
    b"\x80",
    b"\x85",
    b"\xa0",
    b"\xc2",
    b"\xc2\x85",
    b"\xc2\xa0",
    b"\xe1\x9a\x80",
    b"\xe2\x80\x83",
    b"\xe2\x80\xa8",
    b"\xe2\x80",
    b"\xe3\x80\x80",
    b"\xe2\x80\x8b",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xf0\x9f\x98\x80",
    "é".as_bytes(),
    "：".as_bytes(),
    b"<<<<<<<",
    b"=======",
    b"web: x # c\n",
    b"node server.js",
];

fn nasty_file() -> impl Strategy<Value = Vec<u8>> {
    vec(select(&PIECES[..]), 0..40).prop_map(|pieces| pieces.concat())
}

/// Lines that are mostly good, so that most files are accepted.
fn likely_file() -> impl Strategy<Value = Vec<u8>> {
    let name = select(&["web", "worker", "clock", "a", "b-2", "Web", "we_b", "x1"][..]);
    let separator = select(&[":", ": ", " : ", ":\t", ": \u{a0}"][..]);
    let end = select(
        &[
            "\n",
            "\r\n",
            " \n",
            "\n\n",
            "\n# c\n",
            " # c\n",
            " // c\r\n",
            "\n  // c # d\n",
            "",
        ][..],
    );
    let line = (name, separator, vec(select(&PIECES[..]), 1..6), end);
    vec(line, 1..6).prop_map(|lines| {
        let parts = lines.into_iter().map(|(name, separator, command, end)| {
            let command: Vec<u8> = command.concat().into_iter().filter(|byte| *byte != b'\n').collect();
            [name.as_bytes(), separator.as_bytes(), &command, end.as_bytes()].concat()
        });
        parts.collect::<Vec<_>>().concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn nasty_files_are_read_as_the_grammar_says(source in nasty_file()) {
        checks::check_input(&source);
    }

    #[test]
    fn likely_files_are_read_as_the_grammar_says(source in likely_file()) {
        checks::check_input(&source);
    }

    #[test]
    fn any_bytes_are_read_as_the_grammar_says(source in vec(any::<u8>(), 0..200)) {
        checks::check_input(&source);
    }

    #[test]
    fn a_command_that_is_set_is_read_again(source in likely_file(), command in nasty_file(), name in "[a-zA-Z_-]{0,4}") {
        if let Ok(procfile) = Procfile::parse_with(&source, Rules::Relaxed) {
            checks::check_set(&procfile, &name, &command);
            checks::check_set(&procfile, procfile.entries()[0].name(), &command);
        }
    }
}

#[test]
fn the_limits_are_where_the_grammar_says() {
    for length in LINE_LIMIT - 1..LINE_LIMIT + 3 {
        for (start, end) in [
            ("web: ", ""),
            ("web: ", "\n"),
            ("web: ", "\r\n"),
            ("# ", "\nweb: x"),
            (" ", "web: x\nx"),
        ] {
            let filler = length.saturating_sub(start.len());
            let letter = if start == " " { " " } else { "x" };
            let source = [start, &letter.repeat(filler), end].concat();
            checks::check_input(source.as_bytes());
        }
    }
    for length in NAME_LIMIT - 1..NAME_LIMIT + 3 {
        for letter in ["a", "A", "_"] {
            checks::check_input(format!("{}: x\nweb: y\n", letter.repeat(length)).as_bytes());
        }
    }
}

#[test]
fn thousands_of_names_are_read_as_the_grammar_says() {
    let lines: Vec<String> = (0..3000).map(|number| format!("n{number}: x\n")).collect();
    let mut source = lines.concat();
    source.push_str("n17: y\nn2999: y\nN17: y\n");
    checks::check_input(source.as_bytes());
}
