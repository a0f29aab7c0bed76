//! Rows as columns that fit a line of 80. Invariant: pure; the last cell of a row is shortened rather than wrapped.

use std::fmt::Write;

const WIDTH: usize = 80;
const GAP: usize = 2;

/// One line a row, each column as wide as its widest cell; the last one has what is left.
///
/// ```
/// use ps_cli::rendering::columns::columns;
/// let rows = [["name", "of what"], ["a", "directory"]].map(|row| row.map(str::to_owned));
/// assert_eq!(columns(&rows), ["name  of what", "a     directory"]);
/// ```
pub fn columns<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width_of);
    let used: usize = widths.iter().rev().skip(1).map(|width| width + GAP).sum();
    let line = |row: &[String; N]| {
        let mut line = String::new();
        if let Some((last, first)) = row.split_last() {
            for (cell, width) in first.iter().zip(widths) {
                // Writing to a string cannot fail.
                let _ = write!(line, "{cell:<0$}", width + GAP);
            }
            line.push_str(&shortened(last, WIDTH.saturating_sub(used)));
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Keeps the end, which tells paths and images apart, and the first word: `directory …/shop`.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let head = text.split_inclusive(' ').next().filter(|head| head.ends_with(' '));
    let head = head.filter(|head| head.chars().count() + 2 < width).unwrap_or_default();
    let kept = width.saturating_sub(head.chars().count() + 1);
    let tail: String = text.chars().skip(length.saturating_sub(kept)).collect();
    format!("{head}…{tail}")
}
