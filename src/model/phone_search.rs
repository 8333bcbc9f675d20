//! Telephone numbers as they are searched: a number is kept in each form in which it is dialled, and a searched text is
//! reduced to its digits, so that separators, `+`, `00` and the national zero make no difference.

use super::folded_text::Needle;

/// Countries that keep the leading zero of a number behind their country code: Italy, San Marino, Vatican City.
const KEEPS_ZERO: [&str; 3] = ["39", "378", "379"];

/// Appends the forms of a number, separated by `|`: with `+` and country code, with the national prefix, and as it was
/// written where that is another one.
pub(super) fn push_forms(prefix: &str, number: &str, to: &mut String) {
    let international = digits(number).filter(|digits| digits.is_international);
    if let Some(digits) = international {
        to.push('+');
        to.push_str(&digits.text);
        return;
    }
    let prefix: String = prefix.chars().filter_map(digit).collect();
    let number: String = number.replace("(0)", "").chars().filter_map(digit).collect();
    let without_zero = number.strip_prefix('0').filter(|_| !prefix.is_empty() && !KEEPS_ZERO.contains(&&*prefix));
    let significant = without_zero.unwrap_or(&number);
    to.push('+');
    to.push_str(&prefix);
    to.push_str(significant);
    if without_zero.is_some() {
        to.push_str("|+");
        to.push_str(&prefix);
        to.push_str(&number);
    }
    // The trunk prefix: North America has its country code, Russia and Kazakhstan an 8.
    let trunk = match &*prefix {
        "" | "1" => return,
        "7" => '8',
        kept if KEEPS_ZERO.contains(&kept) => return,
        _ => '0',
    };
    to.push('|');
    to.push(trunk);
    to.push_str(significant);
}

/// The search terms for the forms of a number; nothing for a text that is no number.
pub(super) fn needles(text: &str) -> Vec<Needle> {
    let Some(digits) = digits(text) else { return Vec::new() };
    let mut needles = Vec::new();
    if digits.is_international {
        needles.push(Needle::new(&format!("+{}", digits.text)));
    } else {
        needles.push(Needle::new(&digits.text));
    }
    // Two zeros dial abroad, or are part of a number.
    if digits.has_zeros {
        needles.push(Needle::new(&format!("00{}", digits.text)));
    }
    needles
}

struct PhoneDigits {
    text: String,
    is_international: bool,
    /// Whether `00` in front said so.
    has_zeros: bool,
}

/// The digits of a text that has nothing but digits, separators, and a `+` in front.
fn digits(text: &str) -> Option<PhoneDigits> {
    let mut text = text.trim_matches(|c: char| !is_plus(c) && is_separator(c) && c != '(').to_owned();
    let plus = text.starts_with(is_plus);
    let zeros = text.starts_with("00");
    if plus || zeros {
        // `+49 (0)171`: the zero is dialled inside the country only.
        text = text.replace("(0)", "");
    }
    let mut digits = String::with_capacity(text.len());
    for (n, c) in text.chars().enumerate() {
        match digit(c) {
            Some(digit) => digits.push(digit),
            None if is_separator(c) || (n == 0 && is_plus(c)) => {}
            None => return None,
        }
    }
    let has_zeros = zeros && digits.len() > 2;
    let text = if has_zeros { digits.split_off(2) } else { digits };
    (!text.is_empty()).then_some(PhoneDigits { text, is_international: plus || has_zeros, has_zeros })
}

fn is_plus(c: char) -> bool {
    matches!(c, '+' | '\u{ff0b}')
}

/// An ASCII digit for one of any script that telephones write numbers in.
fn digit(c: char) -> Option<char> {
    let zero = match c {
        '0'..='9' => return Some(c),
        '\u{660}'..='\u{669}' => 0x660,
        '\u{6f0}'..='\u{6f9}' => 0x6f0,
        '\u{966}'..='\u{96f}' => 0x966,
        '\u{ff10}'..='\u{ff19}' => 0xff10,
        _ => return None,
    };
    char::from_digit(u32::from(c) - zero, 10)
}

/// Whether a character stands between digits: separators, and the marks of direction that come along when a number is
/// copied.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '(' | ')' | '/' | '\u{ad}' | '\u{2212}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{2010}'..='\u{2015}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}')
}
