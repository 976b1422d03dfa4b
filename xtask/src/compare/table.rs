//! A table in Markdown that grows row by row, with footnotes below.

use std::fmt;

/// A table that is printed while it is measured.
#[derive(Debug, Default)]
pub(super) struct Table {
    notes: Vec<String>,
}

impl Table {
    /// The two lines that begin it.
    pub(super) fn head(titles: &[&str]) -> String {
        format!(
            "| {} |\n|{}",
            titles.join(" | "),
            " --- |".repeat(titles.len())
        )
    }

    /// One row.
    pub(super) fn row(cells: &[String]) -> String {
        format!("| {} |", cells.join(" | "))
    }

    /// A mark for a cell that refers to `note`; the same note has the same mark.
    pub(super) fn mark(&mut self, note: String) -> String {
        let place = self.notes.iter().position(|known| *known == note);
        let place = place.unwrap_or_else(|| {
            self.notes.push(note);
            self.notes.len() - 1
        });
        format!("[{}]", place + 1)
    }
}

/// The footnotes.
impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, note) in self.notes.iter().enumerate() {
            // Two blanks at the end keep the lines apart.
            writeln!(formatter, "[{}] {note}  ", place + 1)?;
        }
        Ok(())
    }
}

/// Nanoseconds, in a unit in which they are short.
pub(super) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e6 => format!("{:.0} us", nanoseconds / 1e3),
        ..1e9 => format!("{:.1} ms", nanoseconds / 1e6),
        _ => format!("{:.1} s", nanoseconds / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footnote is numbered once, however often it is referred to.
    #[test]
    fn the_same_note_has_the_same_mark() {
        let mut table = Table::default();
        let marks = ["a", "b", "a"].map(|note| table.mark(note.to_owned()));
        assert_eq!(marks, ["[1]", "[2]", "[1]"]);
        assert_eq!(table.to_string(), "[1] a  \n[2] b  \n");
    }

    /// Head, rule and rows have one cell for each column.
    #[test]
    fn rows_fit_the_head() {
        assert_eq!(Table::head(&["load", "x"]), "| load | x |\n| --- | --- |");
        assert_eq!(Table::row(&["a".to_owned(), "-".to_owned()]), "| a | - |");
    }

    /// Times change their unit before they grow long.
    #[test]
    fn times_have_units() {
        assert_eq!(
            [180_000.0, 4_202_000.0, 2.5e9].map(time),
            ["180 us", "4.2 ms", "2.5 s"]
        );
    }
}
