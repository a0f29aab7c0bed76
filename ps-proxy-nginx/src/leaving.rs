//! Takes the file that leads to psctl's sites out of what the system's nginx reads. Invariant: where that fails the file is as it was,
//! so that it can be asked for again.

use std::path::Path;

use ps_core::proxy::{ProxyError, ProxyErrorKind};

use crate::change::{Change, PUBLIC};
use crate::durable_file::{read, remove, replace, sync};

impl Change {
    /// Removes the file, and waits until nginx answers with no number any more.
    pub(crate) async fn leave(&self) -> Result<(), ProxyError> {
        let Some(include_file) = self.places.include_file() else {
            return Ok(());
        };
        let Some(text) = read(include_file)? else {
            return Ok(());
        };
        remove_for_good(include_file)?;
        let left = self.let_go().await;
        if left.is_err() {
            replace(include_file, &text, PUBLIC)?;
        }
        left
    }

    async fn let_go(&self) -> Result<(), ProxyError> {
        let Some(master) = self.master() else {
            // It reads its files when it starts.
            return Ok(());
        };
        self.reload(master).await?;
        if self.is_gone().await {
            return Ok(());
        }
        let message = format!(
            "nginx did not let go of psctl's files within {} s",
            self.patience.as_secs()
        );
        let mut failure = ProxyError::new(ProxyErrorKind::Refused, message);
        failure.hint = Some("see nginx's error log".to_owned());
        Err(failure)
    }
}

/// Removes a file, also from a disk that loses its power.
pub(crate) fn remove_for_good(path: &Path) -> Result<(), ProxyError> {
    remove(path)?;
    match path.parent().filter(|folder| folder.is_dir()) {
        Some(folder) => sync(folder),
        None => Ok(()),
    }
}
