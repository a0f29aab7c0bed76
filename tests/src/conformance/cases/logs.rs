//! What containers wrote.

use std::time::Duration;

use ps_core::runtime::{ContainerId, LogOptions, OutputChannel, RuntimeErrorKind as Kind, TerminalMode};
use ps_core::testing::ProcessStep;

use super::super::bench::{kind_of, read_output};
use super::super::program::print;
use super::super::{Bench, Case, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        both_streams_are_kept_apart,
        the_tail_is_the_last_lines,
        following_shows_what_comes_later_and_ends_with_the_container,
        a_terminal_s_log_is_one_stream,
        logs_of_what_is_not_there_are_not_found,
    ]
}

async fn both_streams_are_kept_apart(bench: &Bench) -> Verdict {
    let id = bench.start("a", &Program::prints()).await?;
    bench.engine.wait_container(&id).await?;
    assert_eq!(bench.logs(&id, None).await?, ("out\n".to_owned(), "err\n".to_owned()));
    Ok(())
}

async fn the_tail_is_the_last_lines(bench: &Bench) -> Verdict {
    let steps = [print(OutputChannel::Out, "1\n2\n3\n4\n")];
    let id = bench
        .start("a", &Program::shell("echo 1; echo 2; echo 3; echo 4", steps))
        .await?;
    bench.engine.wait_container(&id).await?;
    assert_eq!(bench.logs(&id, Some(2)).await?.0, "3\n4\n");
    assert_eq!(bench.logs(&id, Some(9)).await?.0, "1\n2\n3\n4\n");
    Ok(())
}

async fn following_shows_what_comes_later_and_ends_with_the_container(bench: &Bench) -> Verdict {
    let wait = ProcessStep::Wait(Duration::from_millis(500));
    let steps = [
        print(OutputChannel::Out, "first\n"),
        wait,
        print(OutputChannel::Out, "later\n"),
    ];
    let id = bench
        .start("a", &Program::shell("echo first; sleep 0.5; echo later", steps))
        .await?;
    let options = LogOptions {
        follow: true,
        tail: None,
    };
    let output = read_output(bench.engine.read_logs(&id, options)).await?;
    assert_eq!(output.0, "first\nlater\n");
    assert!(!bench.engine.inspect_container(&id).await?.state.is_running());
    Ok(())
}

async fn a_terminal_s_log_is_one_stream(bench: &Bench) -> Verdict {
    let mut spec = bench.spec("a", &Program::prints());
    spec.terminal = TerminalMode::Terminal;
    let id = bench.start_spec(&spec).await?;
    bench.engine.wait_container(&id).await?;
    let (out, err) = bench.logs(&id, None).await?;
    assert_eq!((out.replace('\r', "").as_str(), err.as_str()), ("out\nerr\n", ""));
    Ok(())
}

async fn logs_of_what_is_not_there_are_not_found(bench: &Bench) -> Verdict {
    let missing = ContainerId("0123456789abcdef".repeat(4));
    for follow in [false, true] {
        let options = LogOptions { follow, tail: None };
        let output = read_output(bench.engine.read_logs(&missing, options)).await;
        assert_eq!(kind_of(&output), Some(Kind::NotFound));
    }
    Ok(())
}
