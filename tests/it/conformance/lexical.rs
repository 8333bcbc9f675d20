//! Writes tokens as text, with ignored tokens of every kind between them, and damages tokens or characters.

use super::draw::Draw;

/// Ignored tokens.
const IGNORED: &[&str] = &[
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    ",",
    ", ",
    "\u{feff}",
    "# a \"comment\" {\n",
    "#\r",
    "#\u{feff}é😀\r\n",
    "#\u{7}\u{0}\n",
];

/// Tokens to insert anywhere.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "=",
    "!",
    "|",
    "&",
    "@",
    "$",
    "...",
    "..",
    ".",
    "on",
    "query",
    "mutation",
    "subscription",
    "fragment",
    "null",
    "true",
    "false",
    "x",
    "__typename",
    "type",
    "extend",
    "input",
    "0",
    "1",
    "-1",
    "1.5",
    "\"\"",
    "\"x\"",
    "\"\"\"x\"\"\"",
    "{}",
    "()",
    "[]",
    "@skip",
    "$x",
    "repeatable",
    "schema",
    "implements",
];

/// Malformed numbers.
pub const BAD_NUMBERS: &[&str] = &[
    "007",
    "00",
    "-00",
    "01",
    "-01",
    "+1",
    "1.",
    ".5",
    "1.e3",
    "1e",
    "1e+",
    "1E-",
    "0x1F",
    "1_000",
    "1a",
    "1.5f",
    "1.2.3",
    "-",
    "--1",
    "0b1",
    "1e1.5",
    "1.5.",
    "-.5",
    "1e0x",
    "0e",
    "1__",
    "Infinity",
    "-Infinity",
    "NaN",
    "0xF",
    "１",
];

/// Malformed strings.
pub const BAD_STRINGS: &[&str] = &[
    "\"",
    "\"a",
    "\"a\nb\"",
    "\"a\rb\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u{}\"",
    "\"\\u{110000}\"",
    "\"\\u{D800}\"",
    "\"\\uD83D\"",
    "\"\\uDE00\"",
    "\"\\uD83D\\u0041\"",
    "\"\\uDE00\\uD83D\"",
    "\"\\u{1F600\"",
    "\"\\u{g}\"",
    "\"\\U0041\"",
    "\"\\'\"",
    "'a'",
    "`a`",
    "\"\"\"",
    "\"\"\"a",
    "\"\"\"a\"\"",
    "\"\"\"a\\\"\"\"",
    "\"\\\"",
    "\"\\u00zz\"",
    "\"\\uD83D\\u{DE00}\"",
    "\"\\u{00D83D}\"",
    "\"\\u{1234567}\"",
    "\"\\\n\"",
    "\"\\0\"",
    "\"\\u{-1}\"",
    "\"a\"\"",
    "\"\\u {41}\"",
    "\"\\u{ 41 }\"",
];

/// Unusual strings that are well formed.
pub const ODD_STRINGS: &[&str] = &[
    "\"\\u{1F600}\"",
    "\"\\uD83D\\uDE00\"",
    "\"\\u{0041}\"",
    "\"\\u{000041}\"",
    "\"\\u{10FFFF}\"",
    "\"\\u0000\"",
    "\"\\u{0}\"",
    "\"\\u{00000000041}\"",
    "\"\\\"\"",
    "\"\\\\\"",
    "\"\\/\"",
    "\"\\b\\f\\n\\r\\t\"",
    "\"# no comment\"",
    "\"\u{7}\"",
    "\"\u{0}\"",
    "\"\u{7f}\u{85}\u{2028}\"",
    "\"\u{feff}\"",
    "\"😀\"",
    "\"\"\"\"\"\"",
    "\"\"\"a\"\"\"",
    "\"\"\"\n  a\n    b\n  \"\"\"",
    "\"\"\"a \\\"\"\" b\"\"\"",
    "\"\"\"a \" b \"\" c\"\"\"",
    "\"\"\"\\u{zz} \\x\"\"\"",
    "\"\"\"\r\n\r\n a\r b\n\"\"\"",
    "\"\"\"\u{0}\u{7}\"\"\"",
    "\"\"\" \"a\"\"\"",
    "\"\"\"\\\"\"\"\"\"\"",
    "\"\\u00e9\"",
    "\"\\uFFFF\"",
    "\"\\ufeff\"",
    "\"\"\"\t\"\"\"",
    "\"\u{e000}\u{10ffff}\"",
];

/// Characters to insert anywhere.
const CHARACTERS: &[&str] = &[
    " ", "\n", "\"", "\\", "#", "{", "}", "(", ")", "[", "]", ":", "!", "$", "@", ".", ",", "=", "|", "&", "-", "+",
    "0", "9", "a", "_", "é", "😀", "\u{feff}", "\u{0}", "\u{7}", "\u{b}", "\u{c}", "\u{7f}", "\u{a0}", "\u{2028}",
    "\u{3000}", "\u{200b}", "?", "%", "^", "*", "/", "<", ">", "~", "`", "'", ";",
];

/// Writes the tokens with single spaces between them, or, if `wild`, with as few or as many ignored tokens as the grammar
/// allows.
pub fn write(tokens: &[String], wild: bool, draw: &mut Draw) -> String {
    let mut text = String::new();
    let ignored = |draw: &mut Draw| (0..1 + draw.below(2)).map(|_| *draw.pick(IGNORED)).collect::<String>();
    if wild && draw.one_in(3) {
        text.push_str(&ignored(draw));
    }
    let mut before = "";
    for token in tokens {
        if !before.is_empty() {
            if !wild {
                text.push(' ');
            } else if must_part(before, token) || !draw.one_in(2) {
                text.push_str(&ignored(draw));
            }
        }
        text.push_str(token);
        before = token;
    }
    if wild && draw.one_in(3) {
        text.push_str(&ignored(draw));
        // A comment may end with the text.
        text.push_str(if draw.one_in(2) { "# the end" } else { "" });
    }
    text
}

/// Whether two tokens need a separator.
fn must_part(before: &str, after: &str) -> bool {
    let (Some(last), Some(first)) = (before.chars().last(), after.chars().next()) else { return false };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_number = before.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    (is_word(last) && is_word(first)) || (is_number && first == '.') || (last == '"' && first == '"')
}

/// Changes one or two tokens.
pub fn break_tokens(tokens: &mut Vec<String>, draw: &mut Draw) {
    for _ in 0..1 + draw.below(2) {
        let place = draw.below(tokens.len().max(1));
        if tokens.is_empty() {
            tokens.push(draw.word(TOKENS));
            continue;
        }
        match draw.below(6) {
            0 => {
                tokens.remove(place);
            }
            1 => tokens.insert(place, tokens[place].clone()),
            2 => {
                let other = draw.below(tokens.len());
                tokens.swap(place, other);
            }
            3 => tokens[place] = draw.word(TOKENS),
            4 => tokens.insert(place, draw.word(TOKENS)),
            _ => {
                let from = draw.below(tokens.len());
                tokens.insert(place, tokens[from].clone());
            }
        }
    }
}

/// Changes one or two characters.
pub fn break_characters(text: &mut String, draw: &mut Draw) {
    for _ in 0..1 + draw.below(2) {
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        let Some(&place) = places.get(draw.below(places.len().max(1))) else { return };
        match draw.below(8) {
            0 => text.truncate(place),
            1 | 2 => {
                text.remove(place);
            }
            3 => {
                text.remove(place);
                text.insert_str(place, &draw.word(CHARACTERS));
            }
            _ => text.insert_str(place, &draw.word(CHARACTERS)),
        }
    }
}
