//! Rows of cells in columns that line up: words to the left, numbers to the right.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// What stands before every line.
const INDENT: usize = 2;
/// The space between two columns.
const GAP: usize = 2;

/// One cell: a text without line breaks, and how it looks on a terminal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new() }
    }

    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table without lines: space is what separates it.
#[derive(Debug)]
pub(crate) struct Grid {
    columns: Vec<Align>,
    rows: Vec<Vec<Cell>>,
}

impl Grid {
    /// The first column to the left, and `numbers` columns to the right.
    pub(crate) fn numbers(numbers: usize) -> Self {
        let mut columns = vec![Align::Left];
        columns.resize(numbers + 1, Align::Right);
        Self { columns, rows: Vec::new() }
    }

    /// One more column to the left, which takes what is left of the line.
    pub(crate) fn and_words(mut self) -> Self {
        self.columns.push(Align::Left);
        self
    }

    pub(crate) fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The lines, each with its end; what goes beyond `width` in the last column is cut.
    pub(crate) fn render(&self, width: usize) -> String {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            let mut used = 0;
            for (column, cell) in row.iter().enumerate() {
                let start = INDENT + widths[..column].iter().sum::<usize>() + GAP * column;
                let pad = widths[column].saturating_sub(cell.width());
                let lead = if self.columns[column] == Align::Right { pad } else { 0 };
                if cell.text.is_empty() {
                    continue;
                }
                line.push_str(&" ".repeat((start + lead).saturating_sub(used)));
                let shown = fit(&cell.text, width.saturating_sub(start + lead).max(8));
                used = start + lead + shown.width();
                line.push_str(&format!("{}{shown}{:#}", cell.style, cell.style));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The beginning of `text` that fits, with a sign that there was more.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    for letter in text.chars() {
        if shown.width() + unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0) + 1 > width {
            break;
        }
        shown.push(letter);
    }
    format!("{}…", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut grid = Grid::numbers(2).and_words();
        grid.row(["", "COUNT", "TIME", "EXAMPLE"]);
        grid.row(["a", "1", "31.0 µs", "first"]);
        grid.row(["longer", "12,000", "1.00 ms", "a rather long example"]);
        let expected = [
            "           COUNT     TIME  EXAMPLE\n",
            "  a            1  31.0 µs  first\n",
            "  longer  12,000  1.00 ms  a rather long ex…\n",
        ];
        assert_eq!(grid.render(44), expected.concat());
    }

    #[test]
    fn what_does_not_fit_is_cut_by_width_and_not_by_bytes() {
        assert_eq!(fit("日本語のエラー", 7), "日本語…");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("shorter", 5), "shor…");
    }
}
