//! Making containers: what is refused, and what is passed on.

use std::time::Duration;

use ps_core::policies::Ulimit;
use ps_core::runtime::{ContainerState, EnvVar, OutputChannel, RuntimeErrorKind as Kind, StopOutcome};
use ps_core::testing::{ProcessStep, TermReaction};

use super::super::bench::kind_of;
use super::super::program::print;
use super::super::{Bench, Case, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        creating_makes_a_container_that_does_not_run,
        creating_under_a_name_in_use_says_so,
        creating_from_a_missing_image_says_so,
        creating_with_a_bad_name_is_invalid,
        environment_and_labels_are_passed_on,
        an_entrypoint_gets_the_command_as_its_arguments,
        an_image_may_be_named_by_its_id,
        limits_are_passed_on,
        a_log_limit_leaves_the_log_readable if |can| can.limits_log_size,
        a_container_under_init_ends_at_the_signal if |can| can.has_init,
    ]
}

async fn creating_makes_a_container_that_does_not_run(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    let detail = bench.engine.inspect_container(&id).await?;
    assert_eq!((&detail.id, &detail.name), (&id, &bench.name("a")));
    assert_eq!(detail.state, ContainerState::Created);
    assert_eq!((detail.pid, detail.exit_code, detail.started_at), (None, None, None));
    Ok(())
}

async fn creating_under_a_name_in_use_says_so(bench: &Bench) -> Verdict {
    let first = bench.create("a", &Program::runs()).await?;
    let again = bench.create("a", &Program::runs()).await;
    assert_eq!(kind_of(&again), Some(Kind::NameInUse), "while it is created");
    bench.engine.start_container(&first).await?;
    let again = bench.create("a", &Program::runs()).await;
    assert_eq!(kind_of(&again), Some(Kind::NameInUse), "while it runs");
    Ok(())
}

async fn creating_from_a_missing_image_says_so(bench: &Bench) -> Verdict {
    let mut spec = bench.spec("a", &Program::runs());
    for image in ["localhost/psctl-nothing:v1", "psctl/nothing:v1"] {
        image.clone_into(&mut spec.image);
        let created = bench.engine.create_container(&spec).await;
        assert_eq!(kind_of(&created), Some(Kind::ImageMissing), "{image}");
    }
    Ok(())
}

async fn creating_with_a_bad_name_is_invalid(bench: &Bench) -> Verdict {
    let created = bench.create("a/b", &Program::runs()).await;
    assert_eq!(kind_of(&created), Some(Kind::Invalid));
    Ok(())
}

async fn environment_and_labels_are_passed_on(bench: &Bench) -> Verdict {
    let program = Program::shell(
        "echo \"$GREETING\"",
        [ProcessStep::PrintVariable("GREETING".to_owned())],
    );
    let mut spec = bench.spec("a", &program);
    let greeting = EnvVar {
        name: "GREETING".to_owned(),
        value: "a 'quoted' = \"word\" $HOME ä".to_owned(),
    };
    spec.env.push(greeting.clone());
    spec.labels.insert("dev.psctl.test.word".to_owned(), "a b=c".to_owned());
    let output = bench.output_of(&spec).await?;
    assert_eq!(output, format!("{}\n", greeting.value));
    let listed = bench.engine.list_containers(&bench.filter()).await?;
    let id = listed
        .first()
        .map(|container| container.id.clone())
        .ok_or("it is not listed")?;
    let detail = bench.engine.inspect_container(&id).await?;
    assert!(detail.env.contains(&greeting), "{:?}", detail.env);
    assert_eq!(
        detail.labels.get("dev.psctl.test.word").map(String::as_str),
        Some("a b=c")
    );
    Ok(())
}

async fn an_entrypoint_gets_the_command_as_its_arguments(bench: &Bench) -> Verdict {
    let words = ["echo", "one", "two  words", "$HOME"];
    let program = Program::words(&words, [print(OutputChannel::Out, "one two  words $HOME\n")]);
    let mut spec = bench.spec("a", &program);
    spec.entrypoint = Some(vec!["echo".to_owned()]);
    spec.command = Some(program.words.iter().skip(1).cloned().collect());
    assert_eq!(bench.output_of(&spec).await?, "one two  words $HOME\n");
    Ok(())
}

async fn an_image_may_be_named_by_its_id(bench: &Bench) -> Verdict {
    let image = bench.engine.inspect_image(&bench.image).await?.id.ok_or("no id")?;
    let mut spec = bench.spec("a", &Program::runs());
    spec.image.clone_from(&image.0);
    let id = bench.start_spec(&spec).await?;
    assert_eq!(bench.engine.inspect_container(&id).await?.image, image);
    Ok(())
}

async fn limits_are_passed_on(bench: &Bench) -> Verdict {
    let program = Program::shell("ulimit -n", [print(OutputChannel::Out, "512\n")]);
    let mut spec = bench.spec("a", &program);
    // Podman replaces its own default for `nproc` as soon as another limit is given, with one that may be refused.
    spec.ulimits = [("nofile", 512, 1024), ("nproc", 4096, 4096)]
        .map(|(name, soft, hard)| Ulimit {
            name: name.to_owned(),
            soft,
            hard,
        })
        .into();
    assert_eq!(bench.output_of(&spec).await?, "512\n");
    Ok(())
}

async fn a_log_limit_leaves_the_log_readable(bench: &Bench) -> Verdict {
    let mut spec = bench.spec("a", &Program::prints());
    spec.log_max_bytes = Some(1024 * 1024);
    assert_eq!(bench.output_of(&spec).await?, "out\n");
    Ok(())
}

async fn a_container_under_init_ends_at_the_signal(bench: &Bench) -> Verdict {
    // As the first process of a container `sleep` would not notice SIGTERM.
    let mut program = Program::words(&["sleep", "1000"], [ProcessStep::Forever]);
    program.script.on_term = TermReaction::Exits(143);
    let mut spec = bench.spec("a", &program);
    spec.init = true;
    let id = bench.start_spec(&spec).await?;
    let stopped = bench.engine.stop_container(&id, Duration::from_secs(30)).await?;
    assert_eq!(stopped, StopOutcome::Stopped);
    // After the whole time it would have been killed, with another code.
    assert_eq!(bench.engine.inspect_container(&id).await?.exit_code, Some(143));
    Ok(())
}
