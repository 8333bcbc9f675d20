//! Tokens: what parser and grammar disagree on is put right before and after the parser sees a text.
//!
//! Commas and byte order marks between tokens mean nothing anywhere, but the parser trips over some of them; and it takes an
//! argument without a value for none.

use std::borrow::Cow;

use super::scan::{is_word, length_while, string_length};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A token, and where it begins and ends.
struct Token {
    start: usize,
    end: usize,
    kind: TokenKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    /// Ignored text between tokens that is no white space to the parser.
    Ignored,
    String,
    Name,
    /// A punctuator, or anything else of one byte.
    Mark(u8),
    /// Numbers, and what is not ASCII.
    Other,
}

struct Tokens<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let (start, rest) = (self.at, &self.bytes[self.at..]);
            let (kind, length) = match *rest.first()? {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.at += 1;
                    continue;
                }
                b'#' => {
                    self.at += length_while(rest, |byte| byte != b'\n' && byte != b'\r');
                    continue;
                }
                b',' => (TokenKind::Ignored, 1),
                _ if rest.starts_with(BYTE_ORDER_MARK) => (TokenKind::Ignored, BYTE_ORDER_MARK.len()),
                b'"' => (TokenKind::String, string_length(rest)),
                byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                    (TokenKind::Name, length_while(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_'))
                }
                byte if is_word(byte) => (TokenKind::Other, word_length(rest)),
                byte => (TokenKind::Mark(byte), 1),
            };
            self.at = start + length;
            return Some(Token { start, end: self.at, kind });
        }
    }
}

/// The length of the word that begins at the front. A byte order mark ends it.
fn word_length(bytes: &[u8]) -> usize {
    let length = length_while(bytes, is_word);
    let mark = bytes[..length].windows(BYTE_ORDER_MARK.len()).position(|part| part == BYTE_ORDER_MARK);
    mark.unwrap_or(length)
}

fn tokens(text: &str) -> Tokens<'_> {
    Tokens { bytes: text.as_bytes(), at: 0 }
}

/// The text with spaces for the commas and byte order marks between tokens. All offsets stay.
pub(super) fn without_ignored(text: &str) -> Cow<'_, str> {
    if !text.contains([',', '\u{feff}']) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::with_capacity(text.len());
    for token in tokens(text).filter(|token| token.kind == TokenKind::Ignored) {
        spaced.push_str(text.get(spaced.len()..token.start).unwrap_or_default());
        spaced.extend(std::iter::repeat_n(' ', token.end - token.start));
    }
    spaced.push_str(text.get(spaced.len()..).unwrap_or_default());
    Cow::Owned(spaced)
}

/// The content that a bracket encloses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Arguments or the fields of an input object, and what comes next in them.
    Arguments(ExpectedToken),
    /// Definitions of variables.
    Definitions,
    List,
    Selections,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ExpectedToken {
    Name,
    Colon,
    Value,
}

/// Where a name among the arguments of a text that the parser accepted, or among the fields of an input object, has no value.
pub(super) fn argument_without_value(text: &str) -> Option<usize> {
    let mut within = Vec::new();
    let (mut is_first, mut is_described) = (false, false);
    for token in tokens(text).filter(|token| token.kind != TokenKind::Ignored) {
        // What is described is a variable.
        if std::mem::take(&mut is_described) && token.kind != TokenKind::Mark(b'$') {
            return Some(token.start);
        }
        let around = within.last_mut();
        match (token.kind, around) {
            (TokenKind::Mark(b')' | b']' | b'}'), around) => {
                if matches!(around, Some(Within::Arguments(ExpectedToken::Colon | ExpectedToken::Value))) {
                    return Some(token.start);
                }
                within.pop();
            }
            // Definitions of variables.
            (TokenKind::Mark(b'$'), Some(around @ Within::Arguments(ExpectedToken::Name))) if is_first => {
                *around = Within::Definitions
            }
            // A description of the first of them.
            (TokenKind::String, Some(Within::Arguments(ExpectedToken::Name))) if is_first => {
                is_described = true;
                continue;
            }
            (TokenKind::Mark(b'('), _) => within.push(Within::Arguments(ExpectedToken::Name)),
            (TokenKind::Mark(b'[' | b'{'), Some(Within::Arguments(ExpectedToken::Name | ExpectedToken::Colon))) => {
                return Some(token.start);
            }
            (TokenKind::Mark(b'['), around) => {
                if let Some(Within::Arguments(next)) = around {
                    *next = ExpectedToken::Name;
                }
                within.push(Within::List);
            }
            (TokenKind::Mark(b'{'), around) => {
                let is_value = matches!(around, Some(Within::Arguments(_) | Within::Definitions | Within::List));
                if let Some(Within::Arguments(next)) = around {
                    *next = ExpectedToken::Name;
                }
                within.push(if is_value { Within::Arguments(ExpectedToken::Name) } else { Within::Selections });
            }
            // The name that follows is the value.
            (TokenKind::Mark(b'$'), Some(Within::Arguments(ExpectedToken::Value))) => {}
            (_, Some(Within::Arguments(next))) => {
                *next = match (*next, token.kind) {
                    (ExpectedToken::Name, TokenKind::Name) => ExpectedToken::Colon,
                    (ExpectedToken::Colon, TokenKind::Mark(b':')) => ExpectedToken::Value,
                    // A fraction or exponent goes on behind a mark.
                    (ExpectedToken::Name, TokenKind::Mark(b'.') | TokenKind::Other) => ExpectedToken::Name,
                    (ExpectedToken::Value, _) => ExpectedToken::Name,
                    _ => return Some(token.start),
                };
            }
            _ => {}
        }
        is_first = token.kind == TokenKind::Mark(b'(');
    }
    // A bracket that is not closed.
    (!within.is_empty()).then_some(text.len())
}
