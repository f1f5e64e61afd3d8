//! Tables for users in docker's format: three spaces between columns.

use crate::ui::message::escaped;

/// Formats rows of equal length, the first of which is the heading. With `escape`, characters that
/// a terminal interprets are escaped.
pub(crate) fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]], escape: bool) -> String {
    let rows: Vec<[String; COLUMNS]> = rows
        .iter()
        .map(|row| {
            row.each_ref()
                .map(|cell| if escape { escaped(cell) } else { cell.clone() })
        })
        .collect();
    // docker's columns are at least ten characters wide, including the space between them.
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count() + 3)
            .max()
            .unwrap_or(0)
            .max(10)
    };
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            let padding = if column + 1 == COLUMNS {
                0
            } else {
                widths[column] - cell.chars().count()
            };
            text.push_str(cell);
            text.push_str(&" ".repeat(padding));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_columns_are_aligned_as_docker_aligns_them() {
        let rows = [
            ["NAMES", "COMMAND", "CREATED"].map(str::to_owned),
            ["demo.run.28689", "\"sleep 15\"", "2 seconds ago"].map(str::to_owned),
        ];
        let expected = "NAMES            COMMAND      CREATED\ndemo.run.28689   \"sleep 15\"   2 seconds ago\n";
        assert_eq!(aligned(&rows, false), expected);
    }

    #[test]
    fn control_characters_are_escaped_on_a_terminal_only() {
        let rows = [["\u{1b}[31mred\n\u{202e}".to_owned()]];
        assert_eq!(aligned(&rows, true), "\\u{1b}[31mred\\n\\u{202e}\n");
        assert_eq!(aligned(&rows, false), "\u{1b}[31mred\n\u{202e}\n");
    }
}
