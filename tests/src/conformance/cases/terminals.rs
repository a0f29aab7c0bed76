//! Commands in running containers, and a container's own streams.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use ps_core::runtime::{
    ByteStream, ContainerId, EnvVar, ExecId, ExecSpec, ExitCode, OutputChannel, RuntimeErrorKind as Kind, TerminalMode,
    TerminalSize,
};
use ps_core::testing::ProcessStep;

use super::super::bench::{kind_of, read_output, stream_of};
use super::super::program::print;
use super::super::{Bench, Case, Failure, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        an_exec_tells_its_output_and_exit_code,
        an_exec_reads_its_input_to_the_end,
        an_exec_gets_its_own_environment_and_the_container_s,
        an_exec_with_a_terminal_has_one_stream,
        a_running_exec_has_no_exit_code,
        an_exec_that_is_left_alone_disturbs_nothing,
        a_running_exec_s_terminal_can_be_resized,
        an_exec_in_what_does_not_run_is_a_conflict,
        an_exec_in_what_is_not_there_is_not_found,
        an_attached_container_reads_its_input_to_the_end,
        an_attached_terminal_shows_everything_and_ends_with_the_container,
        a_running_container_s_terminal_can_be_resized,
    ]
}

const SIZE: TerminalSize = TerminalSize { rows: 40, columns: 132 };

async fn prepare(bench: &Bench, program: &Program, terminal: bool) -> Result<ExecId, Failure> {
    let id = bench.start("a", &Program::runs()).await?;
    bench.teach(program);
    let spec = ExecSpec {
        command: program.words.clone(),
        terminal,
        env: Vec::new(),
    };
    Ok(bench.engine.create_exec(&id, &spec).await?)
}

async fn exit_code(bench: &Bench, id: &ExecId) -> Result<ExitCode, Failure> {
    let check = async || Ok(bench.engine.exec_exit_code(id).await?);
    bench.eventually("the exit code", check).await
}

fn nothing() -> ByteStream {
    stream::empty().boxed()
}

/// Input that stays open.
fn silence() -> ByteStream {
    stream::pending::<Result<Bytes, std::io::Error>>().boxed()
}

async fn an_exec_tells_its_output_and_exit_code(bench: &Bench) -> Verdict {
    let steps = [
        print(OutputChannel::Out, "out\n"),
        print(OutputChannel::Err, "err\n"),
        ProcessStep::Exit(5),
    ];
    let id = prepare(bench, &Program::shell("echo out; echo err >&2; exit 5", steps), false).await?;
    let output = bench.engine.start_exec(&id, false, nothing()).await?;
    assert_eq!(read_output(output).await?, ("out\n".to_owned(), "err\n".to_owned()));
    assert_eq!(exit_code(bench, &id).await?, ExitCode(5));
    Ok(())
}

async fn an_exec_reads_its_input_to_the_end(bench: &Bench) -> Verdict {
    let id = prepare(bench, &Program::copies(), false).await?;
    let text = "one\ntwo\n".repeat(5000);
    let output = bench.engine.start_exec(&id, false, stream_of(text.clone())).await?;
    let (out, _) = read_output(output).await?;
    assert!(out == text, "{} bytes of {} came back", out.len(), text.len());
    assert_eq!(exit_code(bench, &id).await?, ExitCode(0));
    Ok(())
}

async fn an_exec_gets_its_own_environment_and_the_container_s(bench: &Bench) -> Verdict {
    let variable = |name: &str, value: &str| EnvVar {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let mut spec = bench.spec("a", &Program::runs());
    spec.env.push(variable("FIRST", "1 from the container"));
    let container = bench.start_spec(&spec).await?;
    let steps = ["FIRST", "SECOND"].map(|name| ProcessStep::PrintVariable(name.to_owned()));
    let program = Program::shell("echo \"$FIRST\"; echo \"$SECOND\"", steps);
    bench.teach(&program);
    let spec = ExecSpec {
        command: program.words.clone(),
        terminal: false,
        env: vec![variable("SECOND", "2 of its own")],
    };
    let id = bench.engine.create_exec(&container, &spec).await?;
    let output = bench.engine.start_exec(&id, false, nothing()).await?;
    assert_eq!(read_output(output).await?.0, "1 from the container\n2 of its own\n");
    Ok(())
}

async fn an_exec_with_a_terminal_has_one_stream(bench: &Bench) -> Verdict {
    let steps = [print(OutputChannel::Err, "terminal\n")];
    let id = prepare(bench, &Program::shell("test -t 0 && echo terminal >&2", steps), true).await?;
    let output = bench.engine.start_exec(&id, true, silence()).await?;
    let (out, err) = read_output(output).await?;
    assert_eq!((out.trim_end(), err.as_str()), ("terminal", ""));
    Ok(())
}

async fn a_running_exec_has_no_exit_code(bench: &Bench) -> Verdict {
    let steps = [print(OutputChannel::Out, "x\n"), ProcessStep::Forever];
    let id = prepare(bench, &Program::shell("echo x; sleep 1000", steps), false).await?;
    let mut output = bench.engine.start_exec(&id, false, silence()).await?;
    output.next().await.ok_or("no output came")??;
    assert_eq!(bench.engine.exec_exit_code(&id).await?, None);
    Ok(())
}

async fn an_exec_that_is_left_alone_disturbs_nothing(bench: &Bench) -> Verdict {
    let steps = [print(OutputChannel::Out, "again\n"), ProcessStep::Forever];
    let endless = Program::shell("while :; do echo again; done", steps);
    let container = bench.start("a", &Program::runs()).await?;
    for (program, code) in [(endless, None), (Program::exits(3), Some(ExitCode(3)))] {
        bench.teach(&program);
        let spec = ExecSpec {
            command: program.words.clone(),
            terminal: false,
            env: Vec::new(),
        };
        let id = bench.engine.create_exec(&container, &spec).await?;
        let mut output = bench.engine.start_exec(&id, false, nothing()).await?;
        match code {
            None => drop(output.next().await.ok_or("no output came")??),
            Some(code) => {
                read_output(output).await?;
                assert_eq!(exit_code(bench, &id).await?, code);
            }
        }
    }
    assert!(bench.engine.inspect_container(&container).await?.state.is_running());
    Ok(())
}

async fn a_running_exec_s_terminal_can_be_resized(bench: &Bench) -> Verdict {
    let wait = ProcessStep::Wait(Duration::from_secs(1));
    let steps = [
        print(OutputChannel::Out, "x\n"),
        wait,
        print(OutputChannel::Out, "40 132\n"),
    ];
    let id = prepare(bench, &Program::shell("echo x; sleep 1; stty size", steps), true).await?;
    let mut output = bench.engine.start_exec(&id, true, silence()).await?;
    output.next().await.ok_or("no output came")??;
    bench.engine.resize_exec(&id, SIZE).await?;
    let (out, _) = read_output(output).await?;
    assert!(out.contains("40 132"), "{out:?}");
    Ok(())
}

async fn an_exec_in_what_does_not_run_is_a_conflict(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    let spec = ExecSpec {
        command: vec!["true".to_owned()],
        terminal: false,
        env: Vec::new(),
    };
    let made = bench.engine.create_exec(&id, &spec).await;
    assert_eq!(kind_of(&made), Some(Kind::Conflict));
    Ok(())
}

async fn an_exec_in_what_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let missing = ContainerId("0123456789abcdef".repeat(4));
    let spec = ExecSpec {
        command: vec!["true".to_owned()],
        terminal: false,
        env: Vec::new(),
    };
    let made = bench.engine.create_exec(&missing, &spec).await;
    assert_eq!(kind_of(&made), Some(Kind::NotFound));
    Ok(())
}

async fn an_attached_container_reads_its_input_to_the_end(bench: &Bench) -> Verdict {
    let mut spec = bench.spec("a", &Program::copies());
    spec.terminal = TerminalMode::Input;
    let id = bench.engine.create_container(&spec).await?;
    let input = stream_of("one\ntwo\n");
    let output = bench.engine.attach_container(&id, TerminalMode::Input, input).await?;
    bench.engine.start_container(&id).await?;
    assert_eq!(read_output(output).await?, ("one\ntwo\n".to_owned(), String::new()));
    assert_eq!(bench.engine.wait_container(&id).await?, ExitCode(0));
    Ok(())
}

async fn an_attached_terminal_shows_everything_and_ends_with_the_container(bench: &Bench) -> Verdict {
    let mut spec = bench.spec("a", &Program::prints());
    spec.terminal = TerminalMode::Terminal;
    let id = bench.engine.create_container(&spec).await?;
    let output = bench
        .engine
        .attach_container(&id, TerminalMode::Terminal, silence())
        .await?;
    bench.engine.start_container(&id).await?;
    let (out, err) = read_output(output).await?;
    assert_eq!((out.replace('\r', "").as_str(), err.as_str()), ("out\nerr\n", ""));
    Ok(())
}

async fn a_running_container_s_terminal_can_be_resized(bench: &Bench) -> Verdict {
    let wait = ProcessStep::Wait(Duration::from_secs(1));
    let steps = [
        print(OutputChannel::Out, "x\n"),
        wait,
        print(OutputChannel::Out, "40 132\n"),
    ];
    let mut spec = bench.spec("a", &Program::shell("echo x; sleep 1; stty size", steps));
    spec.terminal = TerminalMode::Terminal;
    let id = bench.engine.create_container(&spec).await?;
    let mut output = bench
        .engine
        .attach_container(&id, TerminalMode::Terminal, silence())
        .await?;
    bench.engine.start_container(&id).await?;
    output.next().await.ok_or("no output came")??;
    bench.engine.resize_container(&id, SIZE).await?;
    let (out, _) = read_output(output).await?;
    assert!(out.contains("40 132"), "{out:?}");
    Ok(())
}
