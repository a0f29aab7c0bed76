//! The main configuration of an nginx of psctl's own. Invariant: it leads to the file that names a generation, and has no `daemon`, so
//! that the same file serves a process in the background and one that a unit keeps in the foreground.

use ps_core::proxy::ProxyError;

use crate::places::Places;
use crate::rendering::{OwnMain, own_main_text};
use crate::test_tree::TestTree;

/// The text of it.
pub(crate) fn text(places: &Places, short_owner: &str) -> Result<String, ProxyError> {
    own_main_text(&OwnMain {
        pid: places.own_pid(),
        error_log: Some(places.own_error_log()),
        temp_prefix: temp_prefix(places, short_owner),
        sites: places.serving_pattern(),
    })
}

/// The text of one that is only tested.
pub(crate) fn text_for(tree: &TestTree, places: &Places, short_owner: &str) -> Result<String, ProxyError> {
    own_main_text(&OwnMain {
        pid: tree.pid(),
        error_log: None,
        temp_prefix: temp_prefix(places, short_owner),
        sites: tree.serving(),
    })
}

/// The workers of root's nginx are another user, who gets into no folder of root's state directory.
fn temp_prefix(places: &Places, short_owner: &str) -> String {
    if rustix::process::geteuid().is_root() {
        format!("/run/psctl-{short_owner}-")
    } else {
        format!("{}/", places.temp().display())
    }
}
