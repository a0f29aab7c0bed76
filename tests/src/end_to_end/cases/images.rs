//! Images of all kinds, with and without a Procfile.

use super::super::{Case, Ground, ensure};
use super::WEB;
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        the_default_command_serves_web_without_a_procfile,
        a_command_in_shell_form_serves_web,
        an_entrypoint_gets_the_command_as_its_arguments,
        an_entrypoint_alone_serves_web,
        an_image_without_any_command_starts_nothing,
        an_image_without_a_shell_needs_none,
        user_and_workdir_are_those_of_the_image,
        the_only_exposed_port_is_the_port,
        several_exposed_ports_are_no_port,
        a_procfile_without_web_starts_no_web,
        a_procfile_path_that_is_missing_means_no_procfile,
        a_command_that_needs_a_shell_gets_one,
        what_only_the_container_knows_is_left_to_its_shell,
        what_is_odd_in_a_procfile_is_told_and_shown,
    ]
}

/// Deploys files as an app; its Dockerfile follows the base image's `FROM`.
fn deploy(ground: &Ground, dockerfile: &str, procfile: Option<&str>) -> Result<String, Failure> {
    let app = ground.created("shop")?;
    let dockerfile = format!("FROM {}\n{dockerfile}", ground.base);
    let mut files = vec![("Dockerfile", dockerfile.as_str())];
    files.extend(procfile.map(|procfile| ("Procfile", procfile)));
    let source = ground.source("shop", &files)?;
    ground.ok(&["deploy", &app, &source])?;
    Ok(app)
}

/// Fails unless web.1 alone runs, and this is what it runs.
fn web_runs(ground: &Ground, app: &str, command: &str) -> Verdict {
    ground.runs(app, &["web.1"])?;
    ground.ok(&["ps", app])?.shows(&[command])?;
    let report = ground.ok(&["ps:report", app, "--running"])?;
    ensure(report.out == "true\n", || report.told())
}

fn the_default_command_serves_web_without_a_procfile(ground: &Ground) -> Verdict {
    let app = deploy(ground, "CMD [\"sleep\", \"4321\"]\n", None)?;
    web_runs(ground, &app, "sleep 4321")?;
    ground.ok(&["ps:scale", &app, "web=2"])?;
    ground.runs(&app, &["web.1", "web.2"])
}

fn a_command_in_shell_form_serves_web(ground: &Ground) -> Verdict {
    let app = deploy(ground, "EXPOSE 7000\nCMD httpd -f -p $PORT\n", None)?;
    web_runs(ground, &app, "httpd -f -p 7000")
}

fn an_entrypoint_gets_the_command_as_its_arguments(ground: &Ground) -> Verdict {
    let dockerfile = "ENTRYPOINT [\"sleep\"]\nCMD [\"1111\"]\n";
    let app = deploy(ground, dockerfile, Some("web: 2222\n"))?;
    web_runs(ground, &app, "sleep 2222")
}

fn an_entrypoint_alone_serves_web(ground: &Ground) -> Verdict {
    let app = deploy(ground, "ENTRYPOINT [\"sleep\", \"3333\"]\nCMD []\n", None)?;
    web_runs(ground, &app, "sleep 3333")
}

/// A context for an image that holds a program and nothing else.
fn bare(ground: &Ground, dockerfile: &str, procfile: Option<&str>) -> Result<String, Failure> {
    let mut files = vec![("Dockerfile", dockerfile)];
    files.extend(procfile.map(|procfile| ("Procfile", procfile)));
    let source = ground.source("bare", &files)?;
    let busybox = crate::engines::static_busybox().ok_or("no static busybox")?;
    std::fs::copy(busybox, std::path::Path::new(&source).join("busybox"))?;
    Ok(source)
}

fn an_image_without_any_command_starts_nothing(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let source = bare(ground, "FROM scratch\nCOPY busybox /busybox\n", None)?;
    ground.ok(&["deploy", &app, &source])?;
    ground.has_soon(&app, &[])?;
    ground.ok(&["ps:report", &app])?;
    Ok(())
}

fn an_image_without_a_shell_needs_none(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let dockerfile = "FROM scratch\nCOPY busybox /busybox\nEXPOSE 8080\n";
    let procfile = "web: /busybox httpd -f -p ${PORT}\nworker: /busybox sleep \"1${NOSUCH:-234}\"\n";
    let source = bare(ground, dockerfile, Some(procfile))?;
    ground.ok(&["deploy", &app, &source])?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    ground.runs(&app, &["web.1", "worker.1"])?;
    ground
        .ok(&["ps", &app])?
        .shows(&["/busybox httpd -f -p 8080", "/busybox sleep 1234"])?;
    // With an entry point too.
    let dockerfile = "FROM scratch\nCOPY busybox /busybox\nENTRYPOINT [\"/busybox\"]\nCMD [\"sleep\", \"99\"]\n";
    let source = bare(ground, dockerfile, Some("web: sleep 5678\n"))?;
    ground.ok(&["deploy", &app, &source])?;
    ground.has_soon(&app, &["web.1"])?;
    web_runs(ground, &app, "/busybox sleep 5678")
}

fn user_and_workdir_are_those_of_the_image(ground: &Ground) -> Verdict {
    let app = deploy(ground, "WORKDIR /srv/app\nUSER 1234:1234\nEXPOSE 5000\n", Some(WEB))?;
    web_runs(ground, &app, "httpd -f -p 5000")?;
    let inside = ground.ok(&["enter", &app, "web.1", "sh", "-c", "pwd; cat /proc/self/status"])?;
    ensure(
        inside.out.starts_with("/srv/app\n") && inside.out.contains("Uid:\t1234\t"),
        || inside.told(),
    )?;
    let beside = ground.ok(&["run", &app, "sh", "-c", "pwd; cat /proc/self/status"])?;
    ensure(
        beside.out.starts_with("/srv/app\n") && beside.out.contains("Uid:\t1234\t"),
        || beside.told(),
    )
}

fn the_only_exposed_port_is_the_port(ground: &Ground) -> Verdict {
    let app = deploy(ground, "EXPOSE 6001\nEXPOSE 53/udp\n", Some(WEB))?;
    web_runs(ground, &app, "httpd -f -p 6001")?;
    ground.ok(&["config:set", &app, "PORT=6002"])?;
    ground.has_soon(&app, &["web.1"])?;
    web_runs(ground, &app, "httpd -f -p 6002")
}

fn several_exposed_ports_are_no_port(ground: &Ground) -> Verdict {
    let app = deploy(ground, "EXPOSE 6001 6002\n", Some(WEB))?;
    web_runs(ground, &app, "httpd -f -p 5000")
}

fn a_procfile_without_web_starts_no_web(ground: &Ground) -> Verdict {
    let app = deploy(ground, "CMD [\"sleep\", \"1111\"]\n", Some("worker: sleep 2222\n"))?;
    ground.has_soon(&app, &[])?;
    ground.ok(&["ps:scale", &app, "worker=2"])?;
    ground.runs(&app, &["worker.1", "worker.2"])?;
    ground.ok(&["ps", &app])?.shows(&["sleep 2222"])?;
    ground.ok(&["ps:restart", &app])?;
    ground.has_soon(&app, &["worker.1", "worker.2"])
}

fn a_procfile_path_that_is_missing_means_no_procfile(ground: &Ground) -> Verdict {
    let app = deploy(ground, "CMD [\"sleep\", \"1111\"]\n", Some("web: sleep 2222\n"))?;
    web_runs(ground, &app, "sleep 2222")?;
    ground.ok(&["ps:set", &app, "procfile-path", "nosuch/Procfile2"])?;
    ground.ok(&["ps:rebuild", &app])?;
    ground.has_soon(&app, &["web.1"])?;
    web_runs(ground, &app, "sleep 1111")?;
    ground.source("shop", &[("nosuch/Procfile2", "web: sleep 3333\n")])?;
    ground.ok(&["ps:rebuild", &app])?;
    ground.has_soon(&app, &["web.1"])?;
    web_runs(ground, &app, "sleep 3333")
}

fn a_command_that_needs_a_shell_gets_one(ground: &Ground) -> Verdict {
    let procfile = "web: cd /tmp && MARK=\"a b\" exec httpd -f -p $PORT > /dev/null\nworker: QUEUE=* exec sleep 12\n";
    let app = deploy(ground, "EXPOSE 5000\n", Some(procfile))?;
    web_runs(ground, &app, "httpd -f -p 5000")
}

fn what_only_the_container_knows_is_left_to_its_shell(ground: &Ground) -> Verdict {
    let app = deploy(
        ground,
        "WORKDIR /srv\n",
        Some("web: httpd -f -p $PORT -h $PWD\nworker: $NOSUCH\n"),
    )?;
    web_runs(ground, &app, "httpd -f -p 5000 -h /srv")
}

fn what_is_odd_in_a_procfile_is_told_and_shown(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let source = ground.source_of("shop", "web: httpd -f -p $PORT # 'the site'\nworker: echo 'a # b'\n")?;
    let deployed = ground.ok(&["deploy", &app, &source])?;
    ensure(deployed.err.contains(" !     Procfile:2:17: warning: "), || {
        deployed.told()
    })?;
    let shown = ground.ok(&["procfile:show", &app])?;
    ensure(
        shown.out == "web: httpd -f -p $PORT\nworker: echo 'a\n" && shown.err.is_empty(),
        || shown.told(),
    )?;
    ground.ok(&["procfile:list", &source])?.shows(&["web\nworker\n"])
}
