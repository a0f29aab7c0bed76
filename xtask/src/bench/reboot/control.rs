//! The control: what goes wrong when nobody sees to it. The same apps as plain containers whose addresses the engine chooses, and
//! nginx files written once. It has to show wrong answers, or the harness could not see any.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::bench::reboot::clients::Site;
use crate::bench::reboot::engine_calls::{containers, create_container, create_network, start_all};
use crate::bench::reboot::machine::Machine;
use crate::bench::reboot::side::{APP_PORT, IMAGE, Side, app_names, import_app_image};
use crate::failure::{Failure, Outcome, WhileDoing};

const NETWORK: &str = "apps";
const HTTP_PORT: u16 = 80;

/// Plain containers, files left as they were.
#[derive(Debug)]
pub(crate) struct Control {
    sites: Vec<Site>,
}

impl Control {
    /// So many apps, none of them stopped.
    pub(crate) fn of(count: usize) -> Self {
        let site = |app: String| Site {
            host: format!("{app}.localhost"),
            app,
            is_stopped: false,
        };
        Self {
            sites: app_names(count).into_iter().map(site).collect(),
        }
    }
}

impl Side for Control {
    fn name(&self) -> &'static str {
        "control"
    }

    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn http_port(&self) -> u16 {
        HTTP_PORT
    }

    fn start_nginx(&self, machine: &Machine) -> Outcome<()> {
        machine.start_nginx()
    }

    fn set_up(&self, machine: &Machine) -> Outcome<()> {
        let engine = machine.engine()?;
        import_app_image(machine)?;
        create_network(&engine, NETWORK)?;
        let mut ids = Vec::new();
        for site in &self.sites {
            let specification = json!({
                "Image": IMAGE,
                "Cmd": ["bin/serve"],
                "Env": [format!("NAME={}", site.app), format!("PORT={APP_PORT}")],
                "HostConfig": { "NetworkMode": NETWORK, "Init": true },
            });
            ids.push(create_container(&engine, &site.app, &specification)?);
        }
        start_all(&engine, &ids, 1)?;
        for container in containers(&engine)? {
            let address = container.address.ok_or_else(|| {
                let name = &container.name;
                Failure::new(format!("{name} has no address"))
            })?;
            let name = &container.name;
            let text = format!(
                "server {{\n    listen {HTTP_PORT};\n    server_name {name}.localhost;\n    location / {{\n        \
                 proxy_pass http://{address}:{APP_PORT};\n        proxy_connect_timeout 1s;\n    }}\n}}\n"
            );
            let file = machine.disk().join(format!("nginx/conf.d/{name}.conf"));
            fs::write(&file, text).while_doing(|| format!("write {}", file.display()))?;
        }
        machine.reload_nginx()
    }

    fn comes_back(&self) -> bool {
        false
    }

    fn restore_command(&self, _machine: &Machine) -> Outcome<Option<Command>> {
        Ok(None)
    }
}
