//! A third backend, to show how much one takes: its "containers" are plain processes of this machine, without any isolation.
//!
//! Its one invariant: it claims only what it does. It has one image (this machine itself), no networks and no terminals; what it
//! cannot do is `Unsupported`. The conformance suite proves the rest. Start reading at [`ToyRuntime`], then `process`, which
//! lets containers live.

mod process;
mod runtime;
mod table;
mod unsupported;

use std::sync::Arc;

use ps_core::runtime::{RuntimeError, RuntimeErrorKind};

/// The name and the id of the one image.
pub const IMAGE: &str = "this-machine:latest";

/// The backend. Clones share their containers, which end with the program.
///
/// ```
/// use ps_core::runtime::{ContainerRuntime, ContainerSpec, ExitCode};
/// use toy_backend::{IMAGE, ToyRuntime};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let toy = ToyRuntime::new();
/// let mut spec = ContainerSpec::new("hello", IMAGE);
/// spec.command = Some(vec!["false".to_owned()]);
/// let id = toy.create_container(&spec).await?;
/// toy.start_container(&id).await?;
/// assert_eq!(toy.wait_container(&id).await?, ExitCode(1));
/// # Ok::<(), ps_core::runtime::RuntimeError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct ToyRuntime {
    table: Arc<table::Table>,
}

impl ToyRuntime {
    /// A runtime without containers.
    pub fn new() -> Self {
        Self::default()
    }
}

fn error(kind: RuntimeErrorKind, operation: &'static str, subject: &str, why: &str) -> RuntimeError {
    RuntimeError::new(kind, "toy", operation, subject).because(why)
}
