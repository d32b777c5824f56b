//! Answers on standard output: JSON for programs, aligned columns for people.

use super::Outcome;
use serde::Serialize;
use std::io::Write as _;

/// Writes a value as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Outcome {
    line(&serde_json::to_string(value)?)
}

/// Writes a line. That nobody reads any more (`| head`) is an error that ends the command.
pub(crate) fn line(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Rows under a head, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(width);
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            widths[column] = widths[column].max(width(cell));
        }
    }
    let mut lines = vec![joined(&head.map(str::to_owned), &widths)];
    lines.extend(rows.iter().map(|row| joined(row, &widths)));
    lines.join("\n")
}

fn joined(cells: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width_wanted) in cells.iter().zip(widths) {
        text.push_str(cell);
        text.push_str(&" ".repeat(width_wanted.saturating_sub(width(cell)) + 2));
    }
    text.truncate(text.trim_end().len());
    text
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// What comes from other peers, without characters that steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// Like `plural(1, "file")`: "1 file", "2 files".
pub(crate) fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_trailing_space() {
        let rows = [["peer-1".to_owned(), "tracker".to_owned()], ["é".to_owned(), String::new()]];
        assert_eq!(table(["name", "role"], &rows), "name    role\npeer-1  tracker\né");
    }

    #[test]
    fn names_of_others_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a\u{FFFD}[2Jb\u{FFFD}");
    }
}
