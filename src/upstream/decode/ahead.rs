//! Rows that are read ahead: those of a part of a body, while the part in front of it is still being read.
//!
//! Only good rows with nothing between them but commas. Whether the part began with a row is known when the reader gets there;
//! then these are the rows that it would read. The last one stays with the reader, which can take back its own last row only.

use super::input::Input;
use super::rows::DecodedRows;

pub(in crate::upstream) struct RowsAhead {
    pub(super) rows: DecodedRows,
    /// How many bytes they are, with the commas.
    pub(super) length: usize,
}

impl RowsAhead {
    /// Reads the rows that these bytes begin with, if they begin with one.
    pub(in crate::upstream) fn read(bytes: &[u8], rows_limit: usize) -> Self {
        let text = Input::new(bytes).text(0);
        let mut rows = DecodedRows::new(rows_limit);
        rows.expect(bytes.len());
        let (mut last, mut next) = (None, 0);
        while let Ok(Some(length)) = rows.read_front(&text[next..]) {
            last = Some(next);
            let Some(behind) = behind_comma(text, next + length) else { break };
            next = behind;
        }
        if last.is_some() {
            rows.take_back_last();
        }
        rows.builder.look_at_rows();
        Self { rows, length: last.unwrap_or(0) }
    }
}

/// Where the next value begins, if a comma is what follows.
fn behind_comma(text: &str, at: usize) -> Option<usize> {
    const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
    let behind = text[at..].trim_start_matches(SPACE).strip_prefix(',')?.trim_start_matches(SPACE);
    Some(text.len() - behind.len())
}
