//! What lands on which stream, in which look.

use std::io::Write;
use std::sync::Arc;

use super::*;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(lock(&self.0).clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        lock(&self.0).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Failing(std::io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn io(stdout: Box<dyn Write + Send>, stderr: Box<dyn Write + Send>) -> Io {
    Io {
        stdin: Box::new(&b"yes\nmore"[..]),
        stdout,
        stderr,
        stdin_is_terminal: false,
        stdout_is_terminal: false,
        stderr_is_terminal: true,
    }
}

fn terminal(choice: ColorChoice, loudness: Loudness) -> (Terminal, Sink, Sink) {
    let (out, err) = (Sink::default(), Sink::default());
    let environment = Environment::default();
    let terminal = Terminal::new(io(Box::new(out.clone()), Box::new(err.clone())), &environment);
    terminal.configure(loudness, choice, ProgressChoice::Plain, &environment);
    (terminal, out, err)
}

#[test]
fn lines_keep_the_look_of_dokku() {
    let (terminal, out, err) = terminal(ColorChoice::Never, Loudness::Usual);
    terminal.step_header("Scaling for shop");
    terminal.header("shop ps information");
    terminal.data("web:  1");
    terminal.step("Creating shop");
    terminal.detail("more");
    terminal.warn("two\nlines");
    assert_eq!(
        out.text(),
        "-----> Scaling for shop\n=====> shop ps information\nweb:  1\n"
    );
    assert_eq!(
        err.text(),
        "-----> Creating shop\n       more\n !     two\n       lines\n"
    );
}

#[test]
fn quiet_drops_headers_and_steps_and_keeps_data_and_warnings() {
    let (terminal, out, err) = terminal(ColorChoice::Never, Loudness::Quiet);
    terminal.step_header("a");
    terminal.header_line("b");
    terminal.data("kept");
    terminal.step("c");
    terminal.warn("kept");
    assert_eq!((out.text().as_str(), err.text().as_str()), ("kept\n", " !     kept\n"));
}

#[test]
fn values_pass_no_stream_unless_exempt() {
    let (terminal, out, err) = terminal(ColorChoice::Never, Loudness::Usual);
    terminal.hide(["hunter22".to_owned(), "shop".to_owned()]);
    terminal.spare(["shop"]);
    terminal.data("shop hunter22");
    terminal.json(&serde_json::json!({"hunter22": ["a hunter22"], "n": 1}));
    terminal.exempt(b"hunter22\n");
    terminal.error(&CommandError::usage("no hunter22").hint("not hunter22"));
    terminal.step("hunter22");
    assert_eq!(
        out.text(),
        "shop XXXXXX\n{\n  \"hunter22\": [\n    \"a XXXXXX\"\n  ],\n  \"n\": 1\n}\nhunter22\n"
    );
    assert_eq!(err.text(), "error: no XXXXXX\n\nhint: not XXXXXX\n-----> XXXXXX\n");
}

#[test]
fn colours_are_for_terminals() {
    let (terminal, out, err) = terminal(ColorChoice::Auto, Loudness::Usual);
    terminal.header("a");
    terminal.step("b");
    assert_eq!(out.text(), "=====> a\n");
    assert_eq!(err.text(), "\u{1b}[36m-----> \u{1b}[0mb\n");
    let no_color = Environment {
        variables: [("NO_COLOR".to_owned(), "1".into())].into(),
        ..Environment::default()
    };
    terminal.configure(Loudness::Usual, ColorChoice::Auto, ProgressChoice::Plain, &no_color);
    terminal.step("c");
    assert!(err.text().ends_with("\n-----> c\n"));
}

#[test]
fn an_engine_cannot_move_the_cursor() {
    let (terminal, _, err) = terminal(ColorChoice::Never, Loudness::Usual);
    terminal.warn("a\u{1b}[2Jb");
    assert_eq!(err.text(), " !     a\u{fffd}[2Jb\n");
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let failing = |kind| {
        let io = io(Box::new(Failing(kind)), Box::new(Sink::default()));
        let terminal = Terminal::new(io, &Environment::default());
        terminal.data("a");
        assert!(terminal.is_closed());
        terminal.take_failure()
    };
    assert!(failing(std::io::ErrorKind::BrokenPipe).is_none());
    assert!(failing(std::io::ErrorKind::StorageFull).is_some());
}

#[test]
fn input_is_bounded() {
    let (terminal, _, _) = terminal(ColorChoice::Never, Loudness::Usual);
    assert!(terminal.read_input(7).is_err());
    let (terminal, _, err) = self::terminal(ColorChoice::Never, Loudness::Usual);
    assert_eq!(terminal.ask("Sure?").unwrap(), "yes");
    assert_eq!(terminal.read_input(4).unwrap(), b"more");
    assert_eq!(err.text(), " !     Sure? ");
}
