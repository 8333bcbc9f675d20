//! A strict JSON reader: validates a whole text in one pass, and finds the members of a request in it.
//!
//! RFC 8259 leaves some texts to the reader, and readers that differ execute different requests. This one refuses duplicate keys,
//! lone surrogates and numbers beyond a double. Values stay text, so that digits are not lost. Memory: eight bytes for each key
//! of the open objects.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use memchr::memchr2;
use smallvec::SmallVec;

/// The maximum nesting of values.
const DEPTH_LIMIT: usize = 128;
/// Keys of objects up to this size are compared pairwise; those of larger ones by hash.
const FEW: usize = 16;
/// How far the end of a string is looked for byte by byte.
const NEAR: usize = 32;

/// Why a text is not acceptable JSON, and where, in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at byte {at})")]
pub(in crate::http) struct JsonError {
    reason: &'static str,
    at: usize,
}

/// The outermost value of a text.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Outline<'t, const N: usize> {
    /// The texts of the members asked for, where they are there.
    Object([Option<&'t str>; N]),
    /// The texts of the first elements.
    Array(Vec<&'t str>),
    /// A string, number, or one of the three words.
    Scalar,
}

/// Reads `text`, and finds the members of these names, or up to `elements` elements.
pub(in crate::http) fn outline<'t, const N: usize>(
    text: &'t str,
    names: [&str; N],
    elements: usize,
) -> Result<Outline<'t, N>, JsonError> {
    let mut reader = JsonScanner { text, at: 0, keys: SmallVec::new() };
    reader.skip_space();
    let outline = match reader.peek() {
        Some(b'{') => {
            let mut members = [None; N];
            reader.object(1, |key, value| {
                if let Some(place) = names.iter().position(|name| *name == key) {
                    members[place] = Some(value);
                }
            })?;
            Outline::Object(members)
        }
        Some(b'[') => {
            let mut first = Vec::new();
            reader.array(1, |value| {
                if first.len() < elements {
                    first.push(value);
                }
            })?;
            Outline::Array(first)
        }
        _ => {
            reader.value(0)?;
            Outline::Scalar
        }
    };
    reader.skip_space();
    if reader.peek().is_some() { reader.refuse("there is more behind the value") } else { Ok(outline) }
}

struct JsonScanner<'t> {
    text: &'t str,
    at: usize,
    /// The ranges of the keys of all open objects, without quotes.
    keys: SmallVec<[(u32, u32); FEW]>,
}

impl<'t> JsonScanner<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn refuse<T>(&self, reason: &'static str) -> Result<T, JsonError> {
        refuse(self.at, reason)
    }

    fn unexpected<T>(&self, expected: &'static str) -> Result<T, JsonError> {
        self.refuse(if self.peek().is_none() { "it ends too early" } else { expected })
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => self.object(depth + 1, |_, _| {}),
            Some(b'[') => self.array(depth + 1, |_| {}),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.unexpected("expected a value"),
        }
    }

    fn object(&mut self, depth: usize, mut each: impl FnMut(&str, &'t str)) -> Result<(), JsonError> {
        if depth > DEPTH_LIMIT {
            return self.refuse("values are nested too deeply");
        }
        let (text, first) = (self.text, self.keys.len());
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return self.unexpected("expected a key in quotes");
            }
            let begin = self.at + 1;
            self.string()?;
            let end = self.at - 1;
            let (Ok(short_begin), Ok(short_end)) = (u32::try_from(begin), u32::try_from(end)) else {
                return self.refuse("it is too long");
            };
            self.keys.push((short_begin, short_end));
            self.skip_space();
            if self.peek() != Some(b':') {
                return self.unexpected("expected a colon");
            }
            self.at += 1;
            self.skip_space();
            let value = self.at;
            self.value(depth)?;
            each(&unescape(&text[begin..end]), &text[value..self.at]);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.unexpected("expected a comma or a closing brace"),
            }
        }
        self.at += 1;
        let twice = repeated(text, &self.keys[first..]);
        self.keys.truncate(first);
        twice.map_or(Ok(()), |at| refuse(at, "a key is there twice in one object"))
    }

    fn array(&mut self, depth: usize, mut each: impl FnMut(&'t str)) -> Result<(), JsonError> {
        if depth > DEPTH_LIMIT {
            return self.refuse("values are nested too deeply");
        }
        let text = self.text;
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_space();
            let value = self.at;
            self.value(depth)?;
            each(&text[value..self.at]);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.unexpected("expected a comma or a closing bracket"),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return self.refuse("expected a value");
        }
        self.at += word.len();
        Ok(())
    }

    /// From the opening quote to behind the closing one.
    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            // Most strings are short, and a search costs more to begin than they have bytes.
            let near = rest.iter().take(NEAR).take_while(|byte| is_plain(**byte)).count();
            let plain = if near < NEAR { near } else { plain_length(rest) };
            self.at += plain;
            match self.peek() {
                None => return self.refuse("it ends too early"),
                Some(b'"') => break self.at += 1,
                Some(b'\\') => self.escape()?,
                Some(_) => return self.refuse("a string holds a control character that is not escaped"),
            }
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        const LONE: &str = "a string holds a lone surrogate";
        let begin = self.at;
        match self.text.as_bytes().get(self.at + 1) {
            None => self.refuse("it ends too early"),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => match self.unit()? {
                0xdc00..=0xdfff => refuse(begin, LONE),
                0xd800..=0xdbff if !self.text[self.at..].starts_with("\\u") => refuse(begin, LONE),
                0xd800..=0xdbff => match self.unit()? {
                    0xdc00..=0xdfff => Ok(()),
                    _ => refuse(begin, LONE),
                },
                _ => Ok(()),
            },
            Some(_) => self.refuse("a string holds an escape that JSON does not have"),
        }
    }

    /// One `\uXXXX`.
    fn unit(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(self.at + 2..self.at + 6).unwrap_or_default();
        let digit = |unit: u32, byte: &u8| Some(unit << 4 | char::from(*byte).to_digit(16)?);
        match digits.iter().try_fold(0, digit) {
            Some(unit) if digits.len() == 4 => {
                self.at += 6;
                Ok(unit)
            }
            _ => self.refuse("a string holds an escape that JSON does not have"),
        }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        const FORM: &str = "a number is not written as JSON has it";
        let begin = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (zero && whole > 1) {
            return refuse(begin, FORM);
        }
        let mut simple = whole < 300;
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return refuse(begin, FORM);
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return refuse(begin, FORM);
            }
            simple = false;
        }
        let fits = simple || self.text[begin..self.at].parse::<f64>().is_ok_and(f64::is_finite);
        if fits { Ok(()) } else { refuse(begin, "a number is too large: a double ends at about 1.8e308") }
    }

    /// Skips digits and returns their number.
    fn digits(&mut self) -> usize {
        let begin = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - begin
    }
}

/// Whether a byte stands for itself in a string.
fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// How many bytes stand for themselves before the first that does not.
fn plain_length(text: &[u8]) -> usize {
    let text = &text[..memchr2(b'"', b'\\', text).unwrap_or(text.len())];
    // Almost no text has a control character, and a loop without an early end is done for many bytes at once.
    let has_control = text.iter().fold(false, |has, byte| has | (*byte < 0x20));
    let first = has_control.then(|| text.iter().position(|byte| *byte < 0x20)).flatten();
    first.unwrap_or(text.len())
}

fn refuse<T>(at: usize, reason: &'static str) -> Result<T, JsonError> {
    Err(JsonError { reason, at })
}

/// The position of a key that equals an earlier one.
fn repeated(text: &str, keys: &[(u32, u32)]) -> Option<usize> {
    let key = |(begin, end): (u32, u32)| unescape(&text[begin as usize..end as usize]);
    if keys.len() <= FEW {
        let repeats = |(n, later): (usize, &(u32, u32))| keys[..n].iter().any(|earlier| key(*earlier) == key(*later));
        return keys.iter().enumerate().find(|(n, later)| repeats((*n, later))).map(|(_, later)| later.0 as usize);
    }
    let hasher = RandomState::new();
    let mut hashed: Vec<(u64, (u32, u32))> = keys.iter().map(|place| (hasher.hash_one(key(*place)), *place)).collect();
    hashed.sort_unstable();
    // Hashes of unequal keys that collide are practically impossible, and would only hide a duplicate.
    let repeats = |pair: &&[(u64, (u32, u32))]| pair[0].0 == pair[1].0 && key(pair[0].1) == key(pair[1].1);
    hashed.windows(2).find(repeats).map(|pair| pair[1].1.0 as usize)
}

/// A key without its escapes, which are known to be valid.
fn unescape(key: &str) -> Cow<'_, str> {
    if !key.contains('\\') {
        return Cow::Borrowed(key);
    }
    serde_json::from_str(&format!("\"{key}\"")).map_or(Cow::Borrowed(key), Cow::Owned)
}
