//! Rows for people, in Dokku's look.

use std::fmt::Write;

use ps_core::config::Config;
use ps_core::formation::Formation;

/// The rows of `ps:scale`: the type with its colon padded to five, and the quantity.
///
/// ```
/// use ps_cli::rendering::human::scale_rows;
/// let formation = [("web".parse()?, 1), ("worker".parse()?, 4)].into_iter().collect();
/// assert_eq!(scale_rows(&formation), ["web:  1", "worker: 4"]);
/// # Ok::<(), ps_core::names::NameError>(())
/// ```
pub fn scale_rows(formation: &Formation) -> Vec<String> {
    let rows = formation.iter().map(|(process_type, quantity)| {
        let label = format!("{process_type}:");
        format!("{label:<5} {quantity}")
    });
    rows.collect()
}

/// The rows of `config:show`, values in one column, each line with its end. The lines of a value after its first stand
/// in the column too.
pub fn config_rows(config: &Config) -> String {
    let width = config.iter().map(|(name, _)| name.len() + 1).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in config.iter() {
        let label = format!("{name}:");
        let gap = format!("\n{:width$}  ", "");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{label:<width$}  {}", value.replace('\n', &gap));
    }
    text
}
