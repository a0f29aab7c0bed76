//! Restore where containers are reached through ports of this host.

use crate::bench::Bench;
use crate::restore::{restore, told};

#[tokio::test]
async fn a_container_that_runs_without_its_published_port_counts_as_missing() {
    let bench = Bench::with_capabilities(|capabilities| capabilities.host_reaches_containers = false);
    bench.deploy().await;
    assert_eq!(told(&restore(&bench).await), ["shop: 0 started, 1 kept"]);
    assert!(bench.engine.lose_ports("shop.web.1"));
    assert_eq!(told(&restore(&bench).await), ["shop: v1, 1 missing"]);
}
