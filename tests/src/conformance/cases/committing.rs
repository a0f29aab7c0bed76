//! Images of stopped containers: files stay, the container's own settings do not.

use futures_util::TryStreamExt;
use ps_core::runtime::{
    CommitSpec, ContainerId, ContainerSpec, ExitCode, OutputChannel, RuntimeErrorKind as Kind, TerminalMode,
};
use ps_core::testing::ProcessStep;

use super::super::bench::{LABEL, kind_of, stream_of};
use super::super::program::print;
use super::super::{Bench, Case, Failure, Program, Verdict};
use super::building::{dockerfile, request};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_commit_keeps_the_files_that_were_changed,
        a_commit_has_the_entrypoint_and_the_command_it_is_given,
        a_commit_keeps_the_settings_of_the_image,
        a_commit_takes_the_name_of_another_image,
        a_commit_holds_nothing_that_came_over_standard_input,
        committing_what_is_not_there_is_not_found,
    ]
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn plain(tag: &str) -> CommitSpec {
    CommitSpec {
        tag: tag.to_owned(),
        entrypoint: Vec::new(),
        command: words(&["serve"]),
        labels: [("own".to_owned(), "a label".to_owned())].into(),
    }
}

/// Writes a file and ends.
fn writes() -> Program {
    let step = ProcessStep::WriteFile("changed".to_owned(), "new\n".into());
    Program::shell("echo new > /changed", [step])
}

async fn ended(bench: &Bench, spec: &ContainerSpec) -> Result<ContainerId, Failure> {
    let id = bench.start_spec(spec).await?;
    assert_eq!(bench.engine.wait_container(&id).await?, ExitCode(0));
    Ok(id)
}

async fn a_commit_keeps_the_files_that_were_changed(bench: &Bench) -> Verdict {
    let id = ended(bench, &bench.spec("a", &writes())).await?;
    let tag = bench.image_name("v1");
    let image = bench.engine.commit_container(&id, &plain(&tag)).await?;
    assert_eq!(bench.engine.inspect_image(&tag).await?.id, Some(image));
    let mut spec = bench.spec("b", &Program::runs());
    spec.image = tag;
    let other = bench.engine.create_container(&spec).await?;
    for path in ["/changed", "/bin/busybox"] {
        bench.engine.read_container_file(&other, path, 4 << 20).await?;
    }
    Ok(())
}

async fn a_commit_has_the_entrypoint_and_the_command_it_is_given(bench: &Bench) -> Verdict {
    let by_command = bench.spec("command", &writes());
    let mut by_entrypoint = bench.spec("entrypoint", &writes());
    by_entrypoint.entrypoint = by_entrypoint.command.take();
    let tag = bench.image_name("v1");
    for spec in [by_command, by_entrypoint] {
        let id = ended(bench, &spec).await?;
        for (entrypoint, command) in [
            (&["tini", "--"][..], &["serve", "a b \"c\" $D"][..]),
            (&[], &["serve"]),
            (&["tini"], &[]),
            (&[], &[]),
        ] {
            let (entrypoint, command) = (words(entrypoint), words(command));
            let asked = CommitSpec {
                entrypoint: entrypoint.clone(),
                command: command.clone(),
                ..plain(&tag)
            };
            let image = bench.engine.commit_container(&id, &asked).await?;
            let made = bench.engine.inspect_image(&tag).await?;
            assert_eq!(made.id, Some(image), "{}", spec.name);
            assert_eq!((made.entrypoint, made.command), (entrypoint, command), "{}", spec.name);
            assert_eq!(made.labels.get("own").map(String::as_str), Some("a label"));
            // An image that loses its name to the next would stay.
            bench.engine.remove_image(&tag).await?;
        }
    }
    Ok(())
}

async fn a_commit_keeps_the_settings_of_the_image(bench: &Bench) -> Verdict {
    let tag = bench.image_name("v1");
    let lines = "ENV KEPT=kept\nWORKDIR /tmp\nEXPOSE 5000\nLABEL from=image\nENTRYPOINT [\"tini\"]";
    let request = request(bench, &[dockerfile(bench, lines)], "Dockerfile", &tag)?;
    bench.engine.build_image(request).try_collect::<Vec<_>>().await?;
    let mut spec = bench.spec("a", &writes());
    spec.image.clone_from(&tag);
    spec.entrypoint = spec.command.take();
    let id = ended(bench, &spec).await?;
    let committed = bench.image_name("v2");
    bench.engine.commit_container(&id, &plain(&committed)).await?;
    let made = bench.engine.inspect_image(&committed).await?;
    assert_eq!((made.working_dir.as_str(), made.exposed_ports), ("/tmp", vec![5000]));
    assert_eq!(made.labels.get("from").map(String::as_str), Some("image"));
    assert_eq!(made.labels.get(LABEL), spec.labels.get(LABEL));
    let steps = [ProcessStep::PrintVariable("KEPT".to_owned())];
    let mut spec = bench.spec("b", &Program::shell("echo \"$KEPT\"", steps));
    spec.image = committed;
    assert_eq!(bench.output_of(&spec).await?, "kept\n");
    Ok(())
}

async fn a_commit_takes_the_name_of_another_image(bench: &Bench) -> Verdict {
    let tag = bench.image_name("v1");
    bench.engine.tag_image(&bench.image, &tag).await?;
    let id = ended(bench, &bench.spec("a", &writes())).await?;
    let image = bench.engine.commit_container(&id, &plain(&tag)).await?;
    assert_eq!(bench.engine.inspect_image(&tag).await?.id, Some(image.clone()));
    assert_ne!(bench.engine.inspect_image(&bench.image).await?.id, Some(image));
    Ok(())
}

async fn a_commit_holds_nothing_that_came_over_standard_input(bench: &Bench) -> Verdict {
    const SECRET: &str = "s3cret-of-the-case";
    let steps = [print(OutputChannel::Out, "ready\n"), ProcessStep::CopyInput];
    let program = Program::shell("echo ready; cat > /tmp/input; : > /tmp/input", steps);
    let mut spec = bench.spec("a", &program);
    spec.terminal = TerminalMode::Input;
    spec.entrypoint = spec.command.take();
    let id = bench.engine.create_container(&spec).await?;
    let input = stream_of(format!("export TOKEN={SECRET}\n"));
    let output = bench.engine.attach_container(&id, TerminalMode::Input, input).await?;
    bench.engine.start_container(&id).await?;
    output.try_collect::<Vec<_>>().await?;
    bench.engine.wait_container(&id).await?;
    let tag = bench.image_name("v1");
    bench.engine.commit_container(&id, &plain(&tag)).await?;
    let record = bench.image_record(&tag).await?;
    assert!(record.contains("serve") && !record.contains(SECRET), "{record}");
    Ok(())
}

async fn committing_what_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let missing = ContainerId("0123456789abcdef".repeat(4));
    let spec = plain(&bench.image_name("v1"));
    let committed = bench.engine.commit_container(&missing, &spec).await;
    assert_eq!(kind_of(&committed), Some(Kind::NotFound));
    Ok(())
}
