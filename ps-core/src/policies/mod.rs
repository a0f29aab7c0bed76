//! Settings with a resolution order: the app's own value, else the global one, else the built-in.
//!
//! Start at [`Property`], the list of all of them, and [`Policies::resolve`].

mod property;
mod resolved;
mod restart_policy;
mod ulimit;

pub use property::{Properties, Property, PropertyError, PropertyGroup, parse_size};
pub use resolved::{Policies, ProxyChoice, computed};

pub use restart_policy::{RestartPolicy, RestartPolicyError};
pub use ulimit::{Ulimit, UlimitError, parse_ulimits};
