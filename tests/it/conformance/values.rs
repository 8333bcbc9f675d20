//! Generates values for a type: literals for documents, and JSON for variables.

use super::document::Value;
use super::draw::Draw;
use super::lexical::{BAD_NUMBERS, BAD_STRINGS, ODD_STRINGS};
use super::types::{Kind, Types};

const TEXTS: &[&str] =
    &["", "a", "an", "bruno", "Å", "é😀", "a b", "a\"b", "a\\b", "a\nb", "a\tb", "# a", "x\u{7f}", "\u{feff}"];
const EMAILS: &[&str] = &["maya@lantern-books.example", "a@b.example", "MAYA@Lantern-Books.example"];
const TIMES: &[&str] = &["2024-04-26T17:10:22.134Z", "2024-05-01T00:00:00+02:00", "1999-12-31T23:59:59Z"];
const NO_TIMES: &[&str] = &["2024-04-26", "yesterday", "", "2024-13-01T00:00:00Z", "2024-04-26T17:10:22"];
const IDS: &[&str] = &["65f1a0c2d4e5f6a7b8c9d001", "65f1a0c2d4e5f6a7b8c9f001", "x", "", "1"];

const INTS: &[&str] = &["0", "1", "2", "3", "10", "-1", "-0", "2147483647", "-2147483648"];
const NO_INTS: &[&str] = &["2147483648", "-2147483649", "12345678901234567890", "1.0", "1e2", "0.5", "1E-2"];
const BIG_INTS: &[&str] = &["5", "-7", "9007199254740993", "12345678901234567890", "123456789012345678901234567890123"];
const FLOATS: &[&str] = &["0.0", "1.5", "-1.5e3", "1e10", "1E+2", "3", "1e308"];
const LITERALS: &[&str] = &[
    "1",
    "-1",
    "1.5",
    "1e3",
    "\"x\"",
    "\"\"\"x\"\"\"",
    "true",
    "false",
    "null",
    "ACTIVE",
    "NAME",
    "x",
    "12345678901234567890",
    "\"NAME\"",
    "\"1\"",
    "\"true\"",
    "\"2024-04-26T17:10:22.134Z\"",
];

const JSON_INTS: &[&str] =
    &["5", "0", "-3", "5.0", "5e0", "0.5e1", "50e-1", "-0", "-0.0", "2147483647", "-2147483648.0"];
const JSON_NO_INTS: &[&str] =
    &["5.5", "2147483648", "-2147483649", "1e10", "12345678901234567890", "\"5\"", "true", "1e300"];
const JSON_IDS: &[&str] = &[
    "\"65f1a0c2d4e5f6a7b8c9d001\"",
    "\"\"",
    "5",
    "-7",
    "5.0",
    "5e0",
    "0",
    "9007199254740993",
    "12345678901234567890",
    "-12345678901234567890",
    "123456789012345678901234567890",
    "1e21",
];
/// An object with a key twice, which is refused before GraphQL.
pub const TWICE: &str = "{\"x\":1,\"x\":2}";
const JSON_VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "5",
    "5.5",
    "\"x\"",
    "\"ACTIVE\"",
    "\"active\"",
    "[]",
    "[null]",
    "[[]]",
    "[\"x\"]",
    "[5]",
    "{}",
    "{\"x\":1}",
    "1e30",
    "12345678901234567890",
    "{\"eq\":null}",
    "{\"__typename\":\"TeamMember\"}",
    "1e400",
    TWICE,
    "\"\\ud800\"",
    "\"\"",
    "[true,null]",
    "[{}]",
];

/// Writes a text as a string literal, with random escapes.
pub fn string_literal(text: &str, draw: &mut Draw) -> String {
    let is_plain = |c: char| c != '\\' && (c >= ' ' || c == '\n' || c == '\t');
    if draw.one_in(4) && text.chars().all(is_plain) && !text.ends_with('"') && !text.contains("\"\"\"") {
        return format!("\"\"\"{text}\"\"\"");
    }
    let mut literal = String::from("\"");
    for c in text.chars() {
        let code = u32::from(c);
        match draw.below(8) {
            0 => literal.push_str(&format!("\\u{{{code:x}}}")),
            1 => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    literal.push_str(&format!("\\u{unit:04X}"));
                }
            }
            _ => match c {
                '"' => literal.push_str("\\\""),
                '\\' => literal.push_str("\\\\"),
                '\n' => literal.push_str("\\n"),
                '\t' if draw.one_in(2) => literal.push_str("\\t"),
                c => literal.push(c),
            },
        }
    }
    literal.push('"');
    literal
}

fn text_for(name: &str, draw: &mut Draw) -> String {
    draw.word(match name {
        "EmailAddress" => EMAILS,
        "DateTime" => TIMES,
        "ID" => IDS,
        _ => TEXTS,
    })
}

/// A valid literal of this scalar or enum.
pub fn scalar_literal(types: &Types, name: &str, draw: &mut Draw) -> String {
    if let Some(values) = types.enums.get(name) {
        return draw.pick(values).clone();
    }
    match name {
        "Int" => draw.word(INTS),
        "Float" => draw.word(FLOATS),
        "Boolean" => draw.word(&["true", "false"]),
        "ID" if draw.one_in(3) => draw.word(BIG_INTS),
        _ => {
            let text = text_for(name, draw);
            string_literal(&text, draw)
        }
    }
}

/// A literal of a random type, which is seldom this one.
pub fn other_literal(name: &str, draw: &mut Draw) -> Value {
    match (draw.below(6), name) {
        (0, _) => Value::List(Vec::new()),
        (1, _) => Value::Object(vec![(draw.word(&["x", "eq", "id", "name"]), Value::Token(draw.word(LITERALS)))]),
        (2, _) => Value::List(vec![Value::Token(draw.word(LITERALS))]),
        (3, "Int") => Value::Token(draw.word(NO_INTS)),
        (3, "DateTime") => {
            let text = draw.word(NO_TIMES);
            Value::Token(string_literal(&text, draw))
        }
        (3, "EmailAddress") => Value::Token(draw.word(&["\"no address\"", "\"\"", "\"a@\"", "\"@b\""])),
        _ => Value::Token(draw.word(LITERALS)),
    }
}

pub fn bad_number(draw: &mut Draw) -> Value {
    Value::Token(draw.word(BAD_NUMBERS))
}

pub fn bad_string(draw: &mut Draw) -> Value {
    Value::Token(draw.word(BAD_STRINGS))
}

pub fn odd_string(draw: &mut Draw) -> Value {
    Value::Token(draw.word(ODD_STRINGS))
}

/// JSON for a variable of this type. If `wrong` is not 0, each part is wrong with a probability of 1 in `wrong`.
pub fn json(types: &Types, kind: &Kind, wrong: usize, depth: usize, draw: &mut Draw) -> String {
    if wrong > 0 && draw.one_in(wrong) {
        return draw.word(JSON_VALUES);
    }
    match kind {
        Kind::NonNull(below) => not_null(types, below, wrong, depth, draw),
        kind if draw.one_in(12) => {
            let _ = kind;
            "null".to_owned()
        }
        kind => not_null(types, kind, wrong, depth, draw),
    }
}

fn not_null(types: &Types, kind: &Kind, wrong: usize, depth: usize, draw: &mut Draw) -> String {
    let name = match kind {
        Kind::NonNull(below) => return not_null(types, below, wrong, depth, draw),
        Kind::List(below) => {
            if draw.one_in(5) {
                return not_null(types, below, wrong, depth + 1, draw);
            }
            let length = draw.below(if depth > 2 { 2 } else { 3 });
            let items: Vec<_> = (0..length).map(|_| json(types, below, wrong, depth + 1, draw)).collect();
            return format!("[{}]", items.join(","));
        }
        Kind::Named(name) => name,
    };
    if let Some(fields) = types.inputs.get(name) {
        let mut members = Vec::new();
        for field in fields {
            let missing = wrong > 0 && draw.one_in(wrong * 2);
            let wanted = field.is_required() && !missing;
            if wanted || draw.one_in(if depth > 2 { 12 } else { fields.len().min(5) }) {
                members.push(format!("\"{}\":{}", field.name, json(types, &field.kind, wrong, depth + 1, draw)));
            }
        }
        if wrong > 0 && draw.one_in(wrong * 2) {
            let name = draw.word(&["unknown", "Eq", "", "__typename", "eq", "name"]);
            if !fields.iter().any(|field| field.name == name) {
                members.push(format!("\"{name}\":{}", draw.word(JSON_VALUES)));
            }
        }
        return format!("{{{}}}", members.join(","));
    }
    if let Some(values) = types.enums.get(name) {
        return format!("\"{}\"", draw.pick(values));
    }
    match name.as_str() {
        "Int" if wrong > 0 && draw.one_in(wrong) => draw.word(JSON_NO_INTS),
        "Int" => draw.word(JSON_INTS),
        "Float" => draw.word(FLOATS),
        "Boolean" => draw.word(&["true", "false"]),
        "ID" => draw.word(JSON_IDS),
        "_Any" => draw.word(&[
            "{\"__typename\":\"TeamMember\",\"id\":\"65f1a0c2d4e5f6a7b8c9d001\"}",
            "{\"__typename\":\"Role\",\"id\":\"65f1a0c2d4e5f6a7b8c9f001\"}",
            "{\"__typename\":\"Role\",\"id\":5}",
            "{\"id\":\"x\"}",
            "5",
        ]),
        "DateTime" if wrong > 0 && draw.one_in(wrong) => serde_json::json!(draw.word(NO_TIMES)).to_string(),
        name => serde_json::json!(text_for(name, draw)).to_string(),
    }
}

/// Any JSON value.
pub fn any_json(draw: &mut Draw) -> String {
    draw.word(JSON_VALUES)
}
