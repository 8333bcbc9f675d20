//! Shrinks a case: removes parts of the document and of the variables as long as the difference stays.

use super::generate::Case;

/// The smallest case found for which `holds` is true, within so many tries.
pub fn shrink(case: &Case, tries: usize, mut holds: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case.clone();
    let mut left = tries;
    let mut keep = |candidate: Case, best: &mut Case| {
        if left == 0 || candidate == *best || candidate.query.is_empty() {
            return false;
        }
        left -= 1;
        let smaller = holds(&candidate);
        if smaller {
            *best = candidate;
        }
        smaller
    };
    loop {
        let before = best.clone();
        for candidate in without_variables(&best) {
            keep(candidate, &mut best);
        }
        let mut at = 0;
        // Brackets with their contents first, then runs of tokens.
        while at < tokens(&best.query).len() {
            let ranges = ranges(&tokens(&best.query), at);
            let smaller = ranges.into_iter().any(|(from, to)| {
                let mut tokens = tokens(&best.query);
                tokens.drain(from..to);
                keep(Case { query: tokens.concat(), ..best.clone() }, &mut best)
            });
            if !smaller {
                at += 1;
            }
        }
        if best == before {
            return best;
        }
    }
}

/// Simpler cases: without an operation name, with fewer or simpler variables, with plain white space.
fn without_variables(case: &Case) -> Vec<Case> {
    let mut simpler = vec![
        Case { operation_name: None, ..case.clone() },
        Case { variables: None, ..case.clone() },
        Case { schema: "api", ..case.clone() },
        Case { query: plain(&case.query), ..case.clone() },
    ];
    for (place, (_, value)) in case.variables.iter().flatten().enumerate() {
        let variables = case.variables.clone().unwrap_or_default();
        let mut fewer = variables.clone();
        fewer.remove(place);
        simpler.push(Case { variables: Some(fewer), ..case.clone() });
        for part in smaller_json(value) {
            let mut changed = variables.clone();
            changed[place].1 = part;
            simpler.push(Case { variables: Some(changed), ..case.clone() });
        }
    }
    simpler
}

/// The text with a space in place of each ignored token.
fn plain(text: &str) -> String {
    let is_ignored = |token: &String| token.starts_with([' ', '\t', '\n', '\r', ',', '\u{feff}', '#']);
    tokens(text).into_iter().map(|token| if is_ignored(&token) { " ".to_owned() } else { token }).collect()
}

fn smaller_json(text: &str) -> Vec<String> {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    match value {
        serde_json::Value::Array(items) => {
            let without = |place: usize| {
                let mut fewer = items.clone();
                fewer.remove(place);
                serde_json::Value::from(fewer).to_string()
            };
            (0..items.len()).map(without).chain(items.iter().map(ToString::to_string)).collect()
        }
        serde_json::Value::Object(members) => {
            let without = |name: &String| {
                let mut fewer = members.clone();
                fewer.remove(name);
                serde_json::Value::from(fewer).to_string()
            };
            let mut all: Vec<_> = members.keys().map(without).collect();
            for (name, value) in &members {
                for part in smaller_json(&value.to_string()) {
                    let mut changed = members.clone();
                    changed[name] = serde_json::from_str(&part).unwrap();
                    all.push(serde_json::Value::from(changed).to_string());
                }
            }
            all
        }
        _ => Vec::new(),
    }
}

/// The runs of tokens from `at` on to remove: a field with its arguments and selections, or a few tokens.
fn ranges(tokens: &[String], at: usize) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" if depth == 0 => break,
            "}" | ")" | "]" => {
                depth -= 1;
                if depth == 0 {
                    ranges.push((at, place + 1));
                }
            }
            _ => {}
        }
    }
    // The first brackets are those of one field; the last one ends the enclosing set.
    let last = ranges.last().copied();
    ranges.truncate(4);
    ranges.extend(last);
    ranges.reverse();
    ranges.extend([12, 6, 5, 4, 3, 2, 1].map(|length| (at, (at + length).min(tokens.len()))));
    ranges.dedup();
    ranges
}

/// Splits a text, which need not be GraphQL, into its tokens, ignored ones included.
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let run = |holds: &dyn Fn(char) -> bool| rest.find(|c| !holds(c)).unwrap_or(rest.len());
        let length = match first {
            c if is_word(c) => run(&is_word),
            '#' => run(&|c| c != '\n' && c != '\r'),
            '.' => run(&|c| c == '.'),
            '"' if rest.starts_with("\"\"\"") => rest[3..].find("\"\"\"").map_or(rest.len(), |end| end + 6),
            '"' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let ends = !escaped && matches!(c, '"' | '\n' | '\r');
                    escaped = !escaped && c == '\\';
                    ends
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            c => c.len_utf8(),
        };
        tokens.push(rest[..length].to_owned());
        rest = &rest[length..];
    }
    tokens
}
