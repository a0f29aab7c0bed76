//! Loading archives of images. The engine answers 200 whatever comes of it, and tells the rest in words.

use bollard::body_try_stream;
use bollard::errors::Error;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use ps_core::runtime::{ByteStream, RuntimeError, RuntimeErrorKind};

use crate::DockerRuntime;
use crate::classify_error::Call;
use crate::event_stream::next_message;
use crate::messages::messages_of;

/// Parts of what engines say of bytes that are no archive of images.
const NO_ARCHIVE: [&str; 3] = ["invalid tar header", "unexpected EOF", "no such file or directory"];

/// What an archive held: names, or ids of images without one.
pub(crate) async fn load(docker: &DockerRuntime, archive: ByteStream) -> Result<Vec<String>, RuntimeError> {
    let call = Call::new("load", "an archive");
    let loading = async {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/images/load?quiet=1")
            .header(CONTENT_TYPE, "application/x-tar")
            .body(body_try_stream(archive))?;
        let answer = docker.transport.stream(request).await?;
        let mut messages = Box::pin(messages_of(answer.into_body()));
        let mut words = Vec::new();
        while let Some(message) = next_message(&mut messages).await {
            let message = message?;
            if let Some(error) = message.failure() {
                let error = error.to_owned();
                return Err(Error::DockerStreamError { error });
            }
            words.extend(message.stream.lines().filter_map(loaded).map(str::to_owned));
        }
        Ok(words)
    };
    let mut loaded = call.bounded(docker.limits.transfer, loading).await;
    if let Err(error) = &mut loaded
        && error
            .source
            .as_ref()
            .is_some_and(|source| says_no_archive(&source.to_string()))
    {
        error.kind = RuntimeErrorKind::Invalid;
    }
    loaded
}

fn says_no_archive(message: &str) -> bool {
    NO_ARCHIVE.iter().any(|part| message.contains(part))
}

/// The word in `Loaded image: a:b` and `Loaded image ID: sha256:…`.
fn loaded(line: &str) -> Option<&str> {
    let name = line.strip_prefix("Loaded image: ");
    name.or_else(|| line.strip_prefix("Loaded image ID: ")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_are_told_from_other_words() {
        assert_eq!(loaded("Loaded image: psctl/shop:v2"), Some("psctl/shop:v2"));
        assert_eq!(loaded("Loaded image ID: sha256:dca9"), Some("sha256:dca9"));
        let other = "The image a:latest already exists, renaming the old one with ID sha256:10 to empty string";
        assert_eq!(loaded(other), None);
    }

    #[test]
    fn what_engines_said_of_garbage_is_known() {
        for message in [
            "Error processing tar file(exit status 1): archive/tar: invalid tar header",
            "archive/tar: invalid tar header",
            "unexpected EOF",
            "open /var/lib/docker/tmp/docker-import-1374840189/repositories: no such file or directory",
        ] {
            assert!(says_no_archive(message), "{message}");
        }
        assert!(!says_no_archive("write /var/lib/docker/x: no space left on device"));
    }
}
