//! The bytes of a body that are at hand, and how much of them is text.

pub(super) struct Input<'b> {
    pub(super) bytes: &'b [u8],
    /// The part of them that is text, from a row's beginning on: found once for all rows that follow.
    text: Option<(usize, &'b str)>,
}

impl<'b> Input<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, text: None }
    }

    /// The text that begins at this byte, as far as it is one.
    pub(super) fn text(&mut self, at: usize) -> &'b str {
        // Past the first text lies a row that is none, and then perhaps more text.
        let known = self.text.filter(|(from, text)| at < from + text.len());
        let (from, text) = known.unwrap_or_else(|| (at, valid_utf8(&self.bytes[at..])));
        self.text = Some((from, text));
        text.get(at - from..).unwrap_or_default()
    }
}

fn valid_utf8(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}
