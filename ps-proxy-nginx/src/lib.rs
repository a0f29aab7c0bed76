//! The reverse proxy of ps-core with nginx: the system's own, or one that belongs to psctl.
//!
//! Invariant: nginx reads one small file that names one whole generation of sites. A generation has a number that is never used
//! twice, is never written to once it is named, and its number is what nginx answers when it serves it. So whatever is killed
//! when, nginx has either the old sites or the new ones. Start at [`NginxProxy`]; how a change goes is in `change`.

mod change;
mod config;
mod directives;
mod durable_file;
mod generation;
mod glob;
mod leaving;
mod listened_ports;
mod lock;
mod master;
mod number_question;
mod own_configuration;
mod places;
mod port;
mod process;
mod program;
mod refusal;
mod rendering;
mod swap;
mod taking_in;
mod test_tree;

pub use config::{NginxConfig, NginxMode};
pub use port::NginxProxy;
