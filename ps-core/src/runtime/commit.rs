//! What a commit makes of a container. Plain data.

use std::collections::BTreeMap;

/// An image of a container's files, with settings that are not the container's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitSpec {
    /// The image's name with its tag, for example `psctl/shop:v2`.
    pub tag: String,
    /// The image's entrypoint; none when empty.
    pub entrypoint: Vec<String>,
    /// The image's command; none when empty.
    pub command: Vec<String>,
    /// Added to the labels of the container and of its image. Values without quotes, backslashes, dollars and line ends.
    pub labels: BTreeMap<String, String>,
}
