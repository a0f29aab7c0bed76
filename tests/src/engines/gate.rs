//! A socket in front of an engine's that can be closed, or fall silent.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::conformance::{Breakage, Failure};

/// The gate; closed when it is dropped.
#[derive(Debug)]
pub(super) struct Gate {
    folder: tempfile::TempDir,
    listening: JoinHandle<()>,
    connections: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Gate {
    /// Opens a gate to an engine's socket.
    pub(super) fn open(engine: &Path) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let listener = UnixListener::bind(folder.path().join("engine.sock"))?;
        let connections: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
        let (engine, opened) = (engine.to_owned(), Arc::clone(&connections));
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let connection = tokio::spawn(pass(client, engine.clone()));
                opened.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
        });
        Ok(Self {
            folder,
            listening,
            connections,
        })
    }

    /// Where to connect to.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    /// Breaks it: connections end, and new ones are refused or never answered.
    pub(super) fn break_off(&mut self, breakage: Breakage) -> Result<(), Failure> {
        self.close();
        std::fs::remove_file(self.socket())?;
        if breakage == Breakage::Silent {
            let listener = UnixListener::bind(self.socket())?;
            self.listening = tokio::spawn(async move {
                let mut clients = Vec::new();
                while let Ok((client, _)) = listener.accept().await {
                    clients.push(client);
                }
            });
        }
        Ok(())
    }

    fn close(&self) {
        self.listening.abort();
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in connections.drain(..) {
            connection.abort();
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.close();
    }
}

async fn pass(mut client: UnixStream, engine: PathBuf) {
    if let Ok(mut engine) = UnixStream::connect(engine).await {
        // Either side may end at any time.
        let _ = copy_bidirectional(&mut client, &mut engine).await;
    }
}
