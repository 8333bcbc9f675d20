//! The bytes of a trace, written from front to back. A node has its length before it, which is known only after all nodes
//! inside: one byte is left for it, and what it takes more is made room for afterwards.

use prost::{Message, encode_length_delimiter, length_delimiter_len};

/// The longest length, in bytes.
const LENGTH_LIMIT: usize = 10;

/// A field of the format whose values have their length before them. Its key is one byte.
#[derive(Clone, Copy)]
pub(super) struct NestedField(u8);

impl NestedField {
    /// The root node of a trace.
    pub(super) const ROOT: Self = Self::numbered(14);
    /// An error of a node.
    pub(super) const ERROR: Self = Self::numbered(11);
    /// A node in a node.
    pub(super) const CHILD: Self = Self::numbered(12);

    const fn numbered(number: u8) -> Self {
        Self(number << 3 | 2)
    }
}

/// The key of an item's index: field 2, a number.
const INDEX: u8 = 2 << 3;

/// Where the value of a nested field begins.
#[must_use]
pub(super) struct OpenField(usize);

/// What is written of a trace.
#[derive(Default)]
pub(super) struct TraceWriter {
    out: Vec<u8>,
}

impl TraceWriter {
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Begins a nested field; what is written until it is closed is its value.
    pub(super) fn open(&mut self, field: NestedField) -> OpenField {
        self.out.extend_from_slice(&[field.0, 0]);
        OpenField(self.out.len())
    }

    /// Takes back what was written of a nested field's value.
    pub(super) fn empty(&mut self, OpenField(start): &OpenField) {
        self.out.truncate(*start);
    }

    /// Writes the length of a nested field.
    pub(super) fn close(&mut self, OpenField(start): OpenField) {
        let end = self.out.len();
        let (mut length, more) = ([0; LENGTH_LIMIT], length_delimiter_len(end - start) - 1);
        // It has the room of the longest.
        let _ = encode_length_delimiter(end - start, &mut length.as_mut_slice());
        if more > 0 {
            self.out.resize(end + more, 0);
            self.out.copy_within(start..end, start + more);
        }
        self.out[start - 1..start + more].copy_from_slice(&length[..=more]);
    }

    /// Writes what is encoded already.
    pub(super) fn encoded(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(super) fn message(&mut self, message: &impl Message) {
        // A vector has room for all of it.
        let _ = message.encode(&mut self.out);
    }

    /// Writes the index of a list's item.
    pub(super) fn index(&mut self, index: usize) {
        self.out.push(INDEX);
        // A vector has room for all of it; and a number is written as a length is.
        let _ = encode_length_delimiter(index, &mut self.out);
    }
}
