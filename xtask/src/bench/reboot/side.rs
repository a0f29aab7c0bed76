//! What is put on a machine that loses its power: apps that say their own name, with somebody who brings them back, or nobody.

use std::fmt::Debug;
use std::process::Command;

use tar::{Builder, EntryType, Header};

use crate::bench::reboot::clients::Site;
use crate::bench::reboot::machine::Machine;
use crate::busybox_image::{ImportCall, busybox_image, import_image};
use crate::failure::{Outcome, WhileDoing};

/// The image of every app.
pub(crate) const IMAGE: &str = "localhost/psctl-reboot:1";

/// Where an app listens inside its container.
pub(crate) const APP_PORT: u16 = 5000;

/// Answers the app's name.
const SERVE: &str = "#!/bin/sh
mkdir -p /tmp/www
echo \"$NAME\" >/tmp/www/index.html
exec httpd -f -p \"$PORT\" -h /tmp/www
";

/// Apps, and how they come back.
pub(crate) trait Side: Debug {
    /// The word in the table.
    fn name(&self) -> &'static str;

    /// All sites, those of stopped apps too.
    fn sites(&self) -> &[Site];

    /// nginx's port.
    fn http_port(&self) -> u16;

    /// Starts nginx with the files that are there, as the machine's start does.
    fn start_nginx(&self, machine: &Machine) -> Outcome<()>;

    /// Makes the apps and nginx's files, on a machine with engine and nginx.
    fn set_up(&self, machine: &Machine) -> Outcome<()>;

    /// Whether every app answers with its own name in the end.
    fn comes_back(&self) -> bool;

    /// What brings everything back after a boot; `None` where only the engine's own calls do.
    fn restore_command(&self, machine: &Machine) -> Outcome<Option<Command>>;
}

/// Switches a machine on, and waits until nginx and the engine are there.
pub(crate) fn start(machine: &mut Machine, side: &dyn Side) -> Outcome<()> {
    machine.boot()?;
    side.start_nginx(machine)?;
    machine.start_engine()?;
    machine.wait_for_engine()
}

/// `app-01`, `app-02`, …
pub(crate) fn app_names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("app-{number:02}")).collect()
}

/// Gives the machine's engine the image of every app.
pub(crate) fn import_app_image(machine: &Machine) -> Outcome<()> {
    let tar = app_image().while_doing(|| "build the image of the apps".to_owned())?;
    let (name, tag) = IMAGE.rsplit_once(':').unwrap_or((IMAGE, "1"));
    let call = match machine.user() {
        None => ImportCall::Docker,
        Some(_) => ImportCall::Libpod,
    };
    import_image(&machine.engine()?, call, name, tag, &tar)
}

fn app_image() -> Outcome<Vec<u8>> {
    let mut tar = busybox_image()?;
    // The archive goes on where its end was marked, which is two empty blocks and their padding.
    let end = tar.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    tar.truncate(end.div_ceil(512) * 512);
    let mut more = Builder::new(tar);
    let mut add = |path: &str, mode: u32, text: &str| {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(mode);
        header.set_size(text.len() as u64);
        more.append_data(&mut header, path, text.as_bytes())
    };
    let added = add("bin/serve", 0o755, SERVE).and_then(|()| add("Procfile", 0o644, "web: bin/serve\n"));
    let whole = added.and_then(|()| more.into_inner());
    whole.while_doing(|| "add the app's files".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_has_busybox_and_the_app() {
        let tar = app_image().unwrap();
        let mut archive = tar::Archive::new(tar.as_slice());
        let paths = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().into_owned());
        let paths: Vec<_> = paths.collect();
        for path in ["bin/busybox", "bin/serve", "Procfile"] {
            assert!(paths.iter().any(|found| found.as_os_str() == path), "{path}");
        }
    }
}
