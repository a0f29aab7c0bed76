//! `links:add`, `links:remove` and `links:list`.

use clap::Args;
use ps_core::links::Link;
use ps_core::names::AppName;

use super::Format;

/// `links:add` and `links:remove`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "The container is somebody else's, such as a database. psctl starts it before the\napp's own containers and connects it to a network of the app; it does nothing\nelse to it."
)]
pub struct ChangeLink {
    /// Name of the app
    pub app: AppName,
    /// Name of the container, and the host name under which the app reaches it;
    /// the container's name without one
    #[arg(value_name = "CONTAINER[:ALIAS]")]
    pub link: LinkWord,
    /// Only store it
    #[arg(long)]
    pub no_restart: bool,
}

/// A link as it was typed.
#[derive(Debug, Clone)]
pub struct LinkWord {
    /// The link.
    pub link: Link,
    /// Whether an alias was given.
    pub has_alias: bool,
}

impl std::str::FromStr for LinkWord {
    type Err = ps_core::links::LinkError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Ok(Self {
            link: word.parse()?,
            has_alias: word.contains(':'),
        })
    }
}

/// `links:list`.
#[derive(Debug, Clone, Args)]
pub struct LinksList {
    /// Name of the app
    pub app: AppName,
    /// How to print it
    #[arg(
        long,
        default_value = "stdout",
        hide_default_value = true,
        value_name = "stdout|json",
        hide_possible_values = true
    )]
    pub format: Format,
}
