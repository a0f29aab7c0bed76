//! What to do about a build that failed for something the engine itself lacks. The engine's words stay; the hint follows them.

/// The first version whose own Dockerfile reader knows heredocs and `COPY --link`.
const KNOWS_HEREDOCS: u32 = 23;

/// The engine's words, and what mends it where that is known.
pub(super) fn with_hint(message: &str, engine_version: &str) -> String {
    match hint(message, engine_version) {
        Some(hint) => format!("{message} ({hint})"),
        None => message.to_owned(),
    }
}

fn hint(message: &str, engine_version: &str) -> Option<&'static str> {
    let message = message.to_ascii_lowercase();
    let major = engine_version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    let is_old = major.is_some_and(|major| major < KNOWS_HEREDOCS);
    let is_unknown = message.contains("parse error")
        && (message.contains("unknown flag") || message.contains("unknown instruction"));
    // The reader that a `# syntax=` line names is an image; the base images of FROM fail with other names.
    let is_reader = message.contains("docker/dockerfile") || message.contains("frontend gateway.v0");
    if is_unknown && is_old {
        return Some(
            "before version 23 the engine's own BuildKit knows neither heredocs nor `COPY --link`: put \
             `# syntax=docker/dockerfile:1` into the first line of the Dockerfile, or update the engine",
        );
    }
    is_reader.then_some(
        "the Dockerfile's `# syntax=` line asks for an image that reads it, and the engine cannot get that image: pull it, \
         or remove the line to let the engine read the Dockerfile itself",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What engines sent.
    const UNKNOWN_FLAG: &str = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse \
        error line 3: Unknown flag: link";
    const HEREDOC: &str = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error \
        line 3: unknown instruction: ECHO";
    const READER_OLD: &str = "failed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0: failed to do \
        request: Head \"https://registry-1.docker.io/v2/docker/dockerfile/manifests/1\": dial tcp: no such host";
    const READER_NEW: &str =
        "failed to resolve source metadata for docker.io/docker/dockerfile:1: failed to do request: no such host";
    const BASE: &str =
        "127.0.0.1:1/psctl/none:v1: failed to resolve source metadata for 127.0.0.1:1/psctl/none:v1: refused";

    #[test]
    fn what_an_old_engine_does_not_know_is_mended_by_a_syntax_line() {
        for message in [UNKNOWN_FLAG, HEREDOC] {
            assert!(with_hint(message, "20.10.24+dfsg1").contains("# syntax=docker/dockerfile:1"));
            assert_eq!(with_hint(message, "26.1.5"), message);
        }
    }

    #[test]
    fn a_syntax_line_that_cannot_be_followed_says_so() {
        for message in [READER_OLD, READER_NEW] {
            let told = with_hint(message, "26.1.5");
            assert!(told.starts_with(message) && told.contains("remove the line"), "{told}");
        }
        assert_eq!(with_hint(BASE, "20.10.24"), BASE);
    }
}
