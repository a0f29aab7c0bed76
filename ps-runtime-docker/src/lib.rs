//! The Docker backend of psctl: the ports of [`ps_core::runtime`] over Docker's own API, with bollard.
//!
//! Its one invariant: a method is one call, every answering call is bounded in time ([`CallLimits`]), and every failure has a
//! [`RuntimeErrorKind`](ps_core::runtime::RuntimeErrorKind). Start reading in `connect`, then `runtime`.
//!
//! ```no_run
//! use ps_core::runtime::{ContainerFilter, ContainerRuntime};
//! use ps_runtime_docker::{CallLimits, DockerRuntime};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let address = "unix:///var/run/docker.sock".parse()?;
//! let docker = DockerRuntime::connect(&address, CallLimits::default()).await?;
//! let ours = ContainerFilter::with_label("dev.psctl.app", "shop");
//! for container in docker.list_containers(&ours).await? {
//!     assert!(!container.name.is_empty());
//! }
//! # Ok(())
//! # }
//! ```

mod building;
mod capabilities;
mod classify_error;
mod commit;
mod config;
mod connect;
mod event_stream;
mod images;
mod loading;
mod messages;
mod networks;
mod runtime;
mod terminals;
mod translate;
mod transport;

pub use config::CallLimits;
pub use connect::DockerRuntime;
