//! Finds the credentials for an image's registry in the user's registry files. Invariant: a secret appears in no message and no
//! `Debug` output; what a JSON error would quote is reduced to its place.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ps_core::runtime::RegistryCredentials;
use ps_core::source::SourceError;
use serde::Deserialize;
use tokio::io::AsyncReadExt;

use crate::credential_helper::{HelperChoice, ask_helper};
use crate::environment::Environment;
use crate::refusal::{unreadable, unusable};
use crate::registry_name::{RegistryName, normalized_key};
use crate::source_root::FILE_LIMIT;

/// What is used of `config.json` and `auth.json`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RegistryFile {
    auths: BTreeMap<String, Account>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Account {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// The first answer of the files, in their order; `None` when no file knows the registry.
pub(crate) async fn find_credentials(
    environment: &Environment,
    image: &str,
) -> Result<Option<RegistryCredentials>, SourceError> {
    let registry = RegistryName::of_image(image);
    for path in environment.registry_files() {
        let Some(file) = read_registry_file(&path).await? else {
            continue;
        };
        if let Some(choice) = file.helper(&registry)
            && let Some((username, password)) = ask_helper(environment, &choice, &registry.server).await?
        {
            return Ok(Some(RegistryCredentials {
                server: registry.server,
                username,
                password,
            }));
        }
        if let Some((username, password)) = file.account(&registry, &path)? {
            return Ok(Some(RegistryCredentials {
                server: registry.server,
                username,
                password,
            }));
        }
    }
    Ok(None)
}

async fn read_registry_file(path: &Path) -> Result<Option<RegistryFile>, SourceError> {
    let bytes = match read_bounded(path).await {
        Ok(bytes) => bytes,
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(cause) => {
            return Err(unreadable(
                format!("cannot read the registry file {}", path.display()),
                cause,
            ));
        }
    };
    let broken = |reason: String| {
        unusable(
            format!("the registry file {} {reason}", path.display()),
            "log in again, or mend the file",
        )
    };
    match bytes.len() {
        0 => Ok(None),
        1..=FILE_LIMIT => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            broken(format!(
                "is not valid at line {}, column {}",
                error.line(),
                error.column()
            ))
        }),
        _ => Err(broken("is larger than 1 MiB".to_owned())),
    }
}

/// At most one byte more than is allowed.
async fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let limit = u64::try_from(FILE_LIMIT).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    tokio::fs::File::open(path)
        .await?
        .take(limit)
        .read_to_end(&mut bytes)
        .await?;
    Ok(bytes)
}

impl RegistryFile {
    /// The entry whose key fits best.
    fn best<'a, T>(entries: &'a BTreeMap<String, T>, registry: &RegistryName) -> Option<&'a T> {
        let with_key = |key: &String| entries.iter().find(|(known, _)| normalized_key(known) == key);
        registry.keys.iter().find_map(with_key).map(|(_, entry)| entry)
    }

    fn helper(&self, registry: &RegistryName) -> Option<HelperChoice> {
        let chosen = Self::best(&self.cred_helpers, registry).filter(|name| !name.is_empty());
        let store = self.creds_store.as_ref().filter(|name| !name.is_empty());
        chosen
            .map(|name| HelperChoice::ForRegistry(name.clone()))
            .or_else(|| store.map(|name| HelperChoice::ForAll(name.clone())))
    }

    fn account(&self, registry: &RegistryName, path: &Path) -> Result<Option<(String, String)>, SourceError> {
        let Some(account) = Self::best(&self.auths, registry) else {
            return Ok(None);
        };
        if let Some(encoded) = account.auth.as_deref().filter(|encoded| !encoded.is_empty()) {
            return decode_pair(encoded).map(Some).ok_or_else(|| {
                let message = format!("the entry for {} in {} cannot be read", registry.server, path.display());
                unusable(message, format!("log in to {} again", registry.server))
            });
        }
        // An empty entry is what `docker login` leaves beside a credential store.
        Ok(account
            .username
            .clone()
            .zip(account.password.clone())
            .filter(|(username, _)| !username.is_empty()))
    }
}

/// `user:password` in base64; old Docker versions padded it with NUL bytes.
fn decode_pair(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    (!username.is_empty()).then(|| (username.to_owned(), password.trim_end_matches('\0').to_owned()))
}
