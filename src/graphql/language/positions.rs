//! Positions: turns byte offsets in a document into lines and columns, for the locations of errors.

use async_graphql::Pos;

/// Where the lines of a text begin. A line ends with LF, CR or both, as the grammar has it.
#[derive(Debug)]
pub(in crate::graphql) struct Positions {
    starts: Box<[u32]>,
}

impl Positions {
    pub(in crate::graphql) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        // A document is shorter than 4 GiB: its limit is in kilobytes.
        let starts = ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
        Self { starts: std::iter::once(0).chain(starts).collect() }
    }

    /// The line and column of a byte, both from 1; columns count characters. `text` is the one that this was made of.
    pub(in crate::graphql) fn at(&self, text: &str, offset: usize) -> Pos {
        let line = self.starts.partition_point(|start| *start as usize <= offset).max(1);
        let start = self.starts.get(line - 1).map_or(0, |start| *start as usize);
        let column = text.get(start..offset).map_or(1, |before| before.chars().count() + 1);
        Pos { line, column }
    }

    /// Memory held, in bytes.
    pub(in crate::graphql) fn size(&self) -> usize {
        size_of_val(&*self.starts)
    }
}
