//! Syntax errors: what the parser did not expect, said in the words of graphql-js.

use super::document_errors::{DocumentError, DocumentErrors};
use super::positions::Positions;

/// The most characters of a token that a message repeats.
const EXCERPT: usize = 40;

/// The error of a text at a byte of it, for which the parser has `finding`.
pub(super) fn syntax_error(text: &str, positions: &Positions, offset: usize, finding: &str) -> DocumentErrors {
    let offset = offset.min(text.len());
    let found = token(text.get(offset..).unwrap_or_default());
    let finding = finding.trim_start_matches("syntax error: ").trim_end_matches('.');
    let message = if let Some(rest) = finding.strip_prefix("expected ") {
        let expected = rest.split_once(", got ").map_or(rest, |(expected, _)| expected);
        match named(expected) {
            Some(expected) => format!("Expected {expected}, found {found}."),
            None => format!("Unexpected {found}."),
        }
    } else if let Some(character) = finding.strip_prefix("Unexpected character ") {
        format!("Unexpected character: {character}.")
    } else if finding.starts_with("Unexpected <EOF>") {
        "Unexpected <EOF>.".to_owned()
    } else {
        let mut chars = finding.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        format!("{}{}.", first.map(String::from).unwrap_or_default(), chars.as_str())
    };
    DocumentErrors::syntax(DocumentError {
        message: format!("Syntax Error: {message}"),
        locations: vec![positions.at(text, offset)],
    })
}

/// The token that the parser expected; `None` where that is one of many.
fn named(expected: &str) -> Option<&str> {
    Some(match expected.trim_start_matches("a ").trim_start_matches("an ") {
        "R_CURLY" => "\"}\"",
        "L_CURLY" => "\"{\"",
        "R_PAREN" => "\")\"",
        "L_PAREN" => "\"(\"",
        "R_BRACK" => "\"]\"",
        "L_BRACK" => "\"[\"",
        "COLON" => "\":\"",
        "EQ" => "\"=\"",
        "Name" | "Argument" | "Name in Type Condition" | "Inline Fragment or a Fragment Spread" => "Name",
        "Variable Definition" => "\"$\"",
        _ => return None,
    })
}

/// The token that a text begins with, as graphql-js calls it.
fn token(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let cut = |text: &str| match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    match text.chars().next() {
        None => "<EOF>".to_owned(),
        Some(c) if c.is_ascii_alphabetic() || c == '_' => {
            format!("Name \"{}\"", cut(&text[..text.find(|c| !word(c)).unwrap_or(text.len())]))
        }
        Some(c) if c.is_ascii_digit() || c == '-' => {
            let end = text.find(|c: char| !(word(c) || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
            let number = &text[..end];
            format!("{} \"{}\"", if number.contains(['.', 'e', 'E']) { "Float" } else { "Int" }, cut(number))
        }
        Some('"') => "String".to_owned(),
        Some('.') if text.starts_with("...") => "\"...\"".to_owned(),
        Some(c) => format!("\"{c}\""),
    }
}
