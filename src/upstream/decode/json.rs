//! A reader of JSON text that goes over each byte once: strict about the grammar, with slices of the text for values.
//!
//! It says only that something is wrong, or not all there, not what: serde_json reads the text again for that. `jiter` 0.19
//! needs 1.64 times the instructions (callgrind) and about twice the time for the same walk over 10,000 rows, because it looks
//! at every key, and decodes every string, where this one expects the keys of the row before and keeps the text.

/// How deep a row may nest; the documented ones nest three levels.
pub(in crate::upstream) const DEPTH_LIMIT: u32 = 32;

/// The text is no JSON, or ends too early.
#[derive(Clone, Copy, Debug)]
pub(in crate::upstream) struct InvalidJson;

/// Reads a text from the front.
#[derive(Clone)]
pub(in crate::upstream) struct JsonReader<'t> {
    text: &'t str,
    at: usize,
    depth: u32,
}

/// A value, and the text that it is.
#[derive(Clone, Copy)]
pub(in crate::upstream) struct RawJsonValue<'t> {
    pub(in crate::upstream) raw: &'t str,
    pub(in crate::upstream) kind: JsonKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::upstream) enum JsonKind {
    Null,
    /// A string without escapes: what stands between the quotes is what it says.
    Plain,
    /// A string with escapes that are written as serde_json writes them.
    Canonical,
    /// A string with others; they are well-formed, but may still mean nothing.
    Escaped,
    /// A number, a truth value, an array or an object.
    Other,
}

/// The keys of objects that were read before, in their order, and what they mean: the next object mostly has the same, and
/// then no key has to be looked through.
pub(in crate::upstream) struct KeyOrder<F> {
    keys: Vec<KnownKey<F>>,
}

/// A key as it stood in the text, up to and with its colon.
struct KnownKey<F> {
    text: KeyText,
    /// The bits of its bytes, which are fewer than there is room for.
    mask: KeyText,
    length: usize,
    meaning: F,
}

/// The bytes of a key, or of a text where it may stand, in words: what is compared in a few steps however long the key is.
type KeyText = [u64; KEY_LENGTH / 8];

/// So long is the longest key that is remembered, in bytes, with its quotes and colon; the longest known one has 25.
const KEY_LENGTH: usize = 32;
/// So many keys are remembered.
const ORDER_LIMIT: usize = 64;
/// So many of them an object may leave out.
const LEFT_OUT: usize = 8;

impl<F> Default for KeyOrder<F> {
    fn default() -> Self {
        Self { keys: Vec::new() }
    }
}

impl<F: Copy> KeyOrder<F> {
    /// The first key from `next` on that `text` begins with: its index, its length and its meaning.
    #[inline]
    fn find(&self, next: usize, text: &[u8]) -> Option<(usize, usize, F)> {
        let text = text.first_chunk().map_or_else(|| key_text(&padded(text)), key_text);
        let key = self.keys.get(next)?;
        if key.begins(&text) { Some((next, key.length, key.meaning)) } else { self.find_behind(next, &text) }
    }

    /// The same behind one that it is not.
    #[inline(never)]
    fn find_behind(&self, before: usize, text: &KeyText) -> Option<(usize, usize, F)> {
        let mut candidates = self.keys.iter().enumerate().skip(before + 1).take(LEFT_OUT);
        let (index, key) = candidates.find(|(_, key)| key.begins(text))?;
        Some((index, key.length, key.meaning))
    }

    /// Puts a key at this index, where there is room; returns the index of what follows.
    fn insert(&mut self, index: usize, key: &str, meaning: F) -> usize {
        if key.len() > KEY_LENGTH || self.keys.len() == ORDER_LIMIT {
            return index;
        }
        let (text, mask) = (key_text(&padded(key.as_bytes())), key_text(&padded(&[u8::MAX; KEY_LENGTH][..key.len()])));
        self.keys.insert(index, KnownKey { text, mask, length: key.len(), meaning });
        index + 1
    }
}

impl<F> KnownKey<F> {
    #[inline]
    fn begins(&self, text: &KeyText) -> bool {
        let differs = |n: usize| (text[n] ^ self.text[n]) & self.mask[n];
        (differs(0) | differs(1)) == 0 && (differs(2) | differs(3)) == 0
    }
}

/// A text that is shorter than a key may be, with zeros behind it, which no key has.
fn padded(text: &[u8]) -> [u8; KEY_LENGTH] {
    let mut padded = [0; KEY_LENGTH];
    padded[..text.len()].copy_from_slice(text);
    padded
}

#[inline]
fn key_text(bytes: &[u8; KEY_LENGTH]) -> KeyText {
    // By hand: a compiler that does not inline a loop makes calls of it.
    let (words, _) = bytes.as_chunks();
    let word = |n: usize| u64::from_le_bytes(words[n]);
    [word(0), word(1), word(2), word(3)]
}

impl<'t> JsonReader<'t> {
    pub(in crate::upstream) fn new(text: &'t str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// How many bytes have been read.
    pub(in crate::upstream) fn at(&self) -> usize {
        self.at
    }

    /// The byte that the next value begins with.
    #[inline]
    pub(in crate::upstream) fn peek(&mut self) -> Option<u8> {
        let byte = *self.text.as_bytes().get(self.at)?;
        if byte > b' ' { Some(byte) } else { self.peek_behind_space() }
    }

    #[inline(never)]
    fn peek_behind_space(&mut self) -> Option<u8> {
        let behind = &self.text.as_bytes()[self.at..];
        self.at += behind.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        self.text.as_bytes().get(self.at).copied()
    }

    /// Reads an object: `field` is called after each key with what `name` takes it for, and reads its value.
    pub(in crate::upstream) fn object<F: Copy>(
        &mut self,
        order: &mut KeyOrder<F>,
        name: impl Fn(&str) -> F,
        mut field: impl FnMut(&mut Self, F) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        let mut next = 0;
        self.members(|reader| {
            let meaning = match order.find(next, &reader.text.as_bytes()[reader.at..]) {
                Some((index, length, meaning)) => {
                    reader.at += length;
                    next = index + 1;
                    meaning
                }
                None => {
                    let start = reader.at;
                    let meaning = reader.key(&name)?;
                    next = order.insert(next, &reader.text[start..reader.at], meaning);
                    meaning
                }
            };
            field(reader, meaning)
        })
    }

    /// Reads an object: `member` is called before each key, and reads it and its value.
    fn members(&mut self, mut member: impl FnMut(&mut Self) -> Result<(), InvalidJson>) -> Result<(), InvalidJson> {
        self.open(b'{')?;
        if self.close(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(InvalidJson);
            }
            member(self)?;
            if !self.skip(b',') {
                return if self.close(b'}') { Ok(()) } else { Err(InvalidJson) };
            }
        }
    }

    /// Reads a key, and its colon.
    fn key<F>(&mut self, name: impl Fn(&str) -> F) -> Result<F, InvalidJson> {
        let key = self.string()?;
        self.take(b':')?;
        if key.kind != JsonKind::Plain {
            return Ok(name(&serde_json::from_str::<String>(key.raw).map_err(|_| InvalidJson)?));
        }
        Ok(name(&key.raw[1..key.raw.len() - 1]))
    }

    /// Reads an array: `item` is called before each value, and reads it.
    pub(in crate::upstream) fn array(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        self.open(b'[')?;
        if self.close(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.skip(b',') {
                return if self.close(b']') { Ok(()) } else { Err(InvalidJson) };
            }
        }
    }

    /// Reads a value of any kind.
    #[inline(always)]
    pub(in crate::upstream) fn value(&mut self) -> Result<RawJsonValue<'t>, InvalidJson> {
        match self.peek().ok_or(InvalidJson)? {
            b'"' => self.string(),
            first => self.other_value(first),
        }
    }

    /// Reads a value that is no string, which begins here with this byte.
    #[inline(never)]
    fn other_value(&mut self, first: u8) -> Result<RawJsonValue<'t>, InvalidJson> {
        let start = self.at;
        let mut kind = JsonKind::Other;
        match first {
            b'n' => {
                self.word("null")?;
                kind = JsonKind::Null;
            }
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'-' | b'0'..=b'9' => self.number()?,
            b'[' => self.array(|reader| reader.value().map(drop))?,
            b'{' => self.members(|reader| {
                reader.key(|_| ())?;
                reader.value().map(drop)
            })?,
            _ => return Err(InvalidJson),
        }
        Ok(RawJsonValue { raw: &self.text[start..self.at], kind })
    }

    /// Reads a string, which begins here.
    #[inline(never)]
    fn string(&mut self) -> Result<RawJsonValue<'t>, InvalidJson> {
        let (bytes, start) = (self.text.as_bytes(), self.at);
        let mut at = start + 1;
        while let Some(special) = special_in(bytes, at) {
            if special == 0 {
                at += STEP;
                continue;
            }
            at += (special.trailing_zeros() / u8::BITS) as usize;
            if bytes[at] == b'"' {
                self.at = at + 1;
                return Ok(RawJsonValue { raw: &self.text[start..self.at], kind: JsonKind::Plain });
            }
            break;
        }
        self.string_from(at)
    }

    /// Reads a string whose bytes up to this one are plain.
    #[inline(never)]
    fn string_from(&mut self, mut at: usize) -> Result<RawJsonValue<'t>, InvalidJson> {
        let (bytes, start) = (self.text.as_bytes(), self.at);
        let mut kind = JsonKind::Plain;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    let (length, as_kind) = match bytes.get(at + 1) {
                        Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => (2, JsonKind::Canonical),
                        Some(b'/') => (2, JsonKind::Escaped),
                        Some(b'u')
                            if bytes.get(at + 2..at + 6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) =>
                        {
                            (6, JsonKind::Escaped)
                        }
                        _ => return Err(InvalidJson),
                    };
                    at += length;
                    kind = if kind == JsonKind::Escaped { kind } else { as_kind };
                }
                Some(0x20..) => {
                    // Up to the next byte that ends the string, escapes or must not be there.
                    at += special_in(bytes, at).map_or(1, |special| (special.trailing_zeros() / u8::BITS) as usize);
                }
                _ => return Err(InvalidJson),
            }
        }
        self.at = at + 1;
        Ok(RawJsonValue { raw: &self.text[start..self.at], kind })
    }

    fn number(&mut self) -> Result<(), InvalidJson> {
        self.at += usize::from(self.text.as_bytes()[self.at] == b'-');
        match self.text.as_bytes().get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.is_next(|byte| byte == b'.') {
            self.at += 1;
            self.digits()?;
        }
        if self.is_next(|byte| matches!(byte, b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(self.is_next(|byte| matches!(byte, b'+' | b'-')));
            self.digits()?;
        }
        // At the end of a text that is cut somewhere there may be more to come.
        if self.at < self.text.len() { Ok(()) } else { Err(InvalidJson) }
    }

    fn digits(&mut self) -> Result<(), InvalidJson> {
        let start = self.at;
        while self.is_next(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(InvalidJson) }
    }

    fn word(&mut self, word: &str) -> Result<(), InvalidJson> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(InvalidJson);
        }
        self.at += word.len();
        Ok(())
    }

    fn is_next(&self, test: impl Fn(u8) -> bool) -> bool {
        self.text.as_bytes().get(self.at).is_some_and(|byte| test(*byte))
    }

    fn open(&mut self, bracket: u8) -> Result<(), InvalidJson> {
        if self.depth == DEPTH_LIMIT {
            return Err(InvalidJson);
        }
        self.depth += 1;
        self.take(bracket)
    }

    fn close(&mut self, bracket: u8) -> bool {
        let closed = self.skip(bracket);
        self.depth -= u32::from(closed);
        closed
    }

    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn take(&mut self, byte: u8) -> Result<(), InvalidJson> {
        if self.skip(byte) { Ok(()) } else { Err(InvalidJson) }
    }
}

/// So many bytes of a string are looked at in one step.
const STEP: usize = 16;

/// Marks the highest bit of each of the bytes from one on that is a quote, a backslash or a control character; `None` near the end.
/// Without a way out in the middle, so that the bytes are looked at in one step; and by index, because a compiler that does not
/// inline an iterator makes calls of it.
#[inline]
fn special_in(bytes: &[u8], from: usize) -> Option<u128> {
    let bytes: &[u8; STEP] = bytes.get(from..)?.first_chunk()?;
    let (mut marks, mut at) = ([0; STEP], 0);
    while at < STEP {
        let byte = bytes[at];
        marks[at] = 0x80 * u8::from((byte == b'"') | (byte == b'\\') | (byte < 0x20));
        at += 1;
    }
    Some(u128::from_le_bytes(marks))
}
