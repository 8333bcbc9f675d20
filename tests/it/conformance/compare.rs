//! Compares an answer of the service with the verdicts of graphql-js.
//!
//! They agree when the request ends in the same phase, when the same fields have argument errors, and when the data has the
//! shape that graphql-js gives to the same values. Every deliberate difference is in this file, with its reason.

use std::collections::BTreeSet;

use serde_json::Value;

use super::generate::Case;
use super::judge::{Phase, Verdict};
use super::service::{Ending, Outcome};
use super::shrink::tokens;
use super::values::TWICE;

/// A difference between the two versions of graphql-js, which the specification of September 2025 decides.
struct Split {
    /// The version that stops earlier (0 for 16, 1 for 17), and the phase in which it stops.
    earlier: (usize, Phase),
    /// A part of the message of that version.
    message: &'static str,
    /// The version that is right.
    right: usize,
}

const SPLITS: &[Split] = &[
    // 2.8: a selection set has at least one selection. Version 17 parses an empty one.
    Split { earlier: (0, Phase::Syntax), message: "Expected Name, found \"}\"", right: 0 },
    // 5.2.1.1, Operation Type Existence. Version 16 refuses such an operation only when it executes it.
    Split { earlier: (1, Phase::Validation), message: "operation is not supported by the schema", right: 1 },
    // 4.2: the type is `includeDeprecated: Boolean! = false`. Version 16 allows null.
    Split { earlier: (1, Phase::Validation), message: "non-null type \"Boolean!\" not to be null", right: 1 },
    Split { earlier: (1, Phase::Validation), message: "used in position expecting type \"Boolean!\"", right: 1 },
];

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    Agree,
    /// A limit of the service refused the request before the language was checked.
    Limited,
    /// A deliberate difference, with its reason.
    Deliberate(&'static str),
    /// A difference of this kind.
    Differ(String),
}

/// Chooses the right verdict where the two versions differ; an error names a difference that is not listed.
pub fn decide(verdicts: &[Verdict; 2]) -> Result<&Verdict, String> {
    let [old, new] = verdicts;
    if old.phase == new.phase {
        let (old, earlier) = (shapes(&old.paths), shapes(&new.paths));
        // 6.3.2, CollectFields: a spread's conditions come before the question whether its fragment was visited. Version 16 asks
        // that first, and does not see that a condition of the second spread is null.
        let spread_twice = old.is_subset(&earlier) && new.messages.iter().any(|message| is_null_condition(message));
        return if old == earlier || spread_twice {
            Ok(new)
        } else {
            Err("graphql 16 and 17 refuse other arguments".to_owned())
        };
    }
    let earlier = usize::from(new.phase < old.phase);
    let Verdict { phase, messages, .. } = &verdicts[earlier];
    let known = SPLITS.iter().find(|split| {
        split.earlier == (earlier, *phase) && messages.iter().any(|message| message.contains(split.message))
    });
    known.map(|split| &verdicts[split.right]).ok_or_else(|| {
        let message = messages.first().map_or(String::new(), |message| general(message));
        format!("graphql 16 {:?}, graphql 17 {:?}: {message}", old.phase, new.phase)
    })
}

pub fn compare(case: &Case, outcome: &Outcome, verdicts: &[Verdict; 2]) -> Comparison {
    match &outcome.ending {
        Ending::Limit => return Comparison::Limited,
        Ending::Http(code) => return before_graphql(case, code, outcome),
        Ending::In(_) => {}
    }
    let verdict = match decide(verdicts) {
        Ok(verdict) => verdict,
        Err(split) => return Comparison::Differ(split),
    };
    let Ending::In(phase) = outcome.ending else { return Comparison::Limited };
    if let Some(reason) = stricter_or_laxer(case, outcome, phase, verdict) {
        return Comparison::Deliberate(reason);
    }
    if phase != verdict.phase {
        return Comparison::Differ(if phase < verdict.phase {
            format!("{phase:?} here only: {}", outcome.messages.first().map_or(String::new(), |text| general(text)))
        } else {
            let what = verdict.rules.first().or(verdict.messages.first());
            format!("{:?} in graphql-js only: {}", verdict.phase, what.map_or(String::new(), |text| general(text)))
        });
    }
    if let Some(complaint) = outcome.complaints.first() {
        return Comparison::Differ(format!("{complaint}: {}", outcome.codes.join(" ")));
    }
    if phase == Phase::Executed { executed(outcome, verdict, verdicts) } else { Comparison::Agree }
}

/// Differences in which the service follows the specification, or its schema, and both versions of graphql-js do not. What
/// only spells the same otherwise is in `respelled`.
fn stricter_or_laxer(case: &Case, outcome: &Outcome, phase: Phase, verdict: &Verdict) -> Option<&'static str> {
    let all = |holds: &dyn Fn(&str) -> bool| {
        !outcome.messages.is_empty() && outcome.messages.iter().all(|message| holds(message))
    };
    if phase == Phase::Validation && verdict.phase > phase && all(&|message| is_about_type_name(message, &case.query)) {
        return Some("5.3.2: `__typename` has a type, String!, with which fields of other parents can conflict");
    }
    let once = ["a list can be sorted by each field only once", "a list can be grouped by each field only once"];
    let named_twice = phase == Phase::Variables && verdict.phase == Phase::Executed && verdict.repeats_key;
    if named_twice && all(&|message| once.contains(&message)) {
        return Some(
            "a list is sorted and grouped by each field once: the schema's rule, checked before anything is loaded",
        );
    }
    None
}

/// Whether a message is of a conflict between `__typename` and a field of another type.
fn is_about_type_name(message: &str, query: &str) -> bool {
    let Some(rest) = message.strip_prefix("Fields \"") else { return false };
    let Some((key, rest)) = rest.split_once('"') else { return false };
    let tokens: Vec<_> = tokens(query).into_iter().filter(|token| !is_ignored(token)).collect();
    let aliased = tokens.windows(3).any(|three| three == [key, ":", "__typename"]);
    (aliased || key == "__typename") && rest.contains("conflicting types") && rest.contains("\"String!\"")
}

/// Whether a message of version 17 is of a condition that is null.
fn is_null_condition(message: &str) -> bool {
    ["Argument \"@skip(if:)\"", "Argument \"@include(if:)\""].iter().any(|start| message.starts_with(start))
        && message.ends_with("not to be null.")
}

/// Whether a token, as `shrink` splits a text, means nothing.
fn is_ignored(token: &str) -> bool {
    token.starts_with('#') || matches!(token, " " | "\t" | "\n" | "\r" | "," | "\u{feff}")
}

/// Judges a refusal that comes before GraphQL.
fn before_graphql(case: &Case, code: &str, outcome: &Outcome) -> Comparison {
    let variables = case.variables.as_deref().unwrap_or_default();
    let unreadable =
        variables.iter().any(|(_, value)| value.contains(TWICE) || serde_json::from_str::<Value>(value).is_err());
    match code {
        // JSON.parse reads 1e400 as infinity, accepts a lone surrogate, and takes the last of equal keys. The service
        // refuses all three with the reason.
        "BAD_REQUEST" if unreadable => {
            Comparison::Deliberate("JSON that cannot be represented, or has a key twice, is refused")
        }
        code => Comparison::Differ(format!(
            "before GraphQL: {code} {}",
            outcome.messages.first().map_or("", String::as_str)
        )),
    }
}

/// A path without list indices: the service may report an error that all items of a list share once.
fn shape(path: &[Value]) -> String {
    path.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(".")
}

pub fn shapes(paths: &[Vec<Value>]) -> BTreeSet<String> {
    paths.iter().map(|path| shape(path)).collect()
}

fn executed(outcome: &Outcome, verdict: &Verdict, verdicts: &[Verdict; 2]) -> Comparison {
    let (refused, failed) = (shapes(&outcome.refused), shapes(&outcome.failed));
    let wrong = shapes(&verdict.paths);
    if let Some(path) = wrong.iter().find(|path| !failed.contains(*path)) {
        let message = verdict.messages.first().map_or(String::new(), |text| general(text));
        return Comparison::Differ(format!("an argument that is not refused: {message} ({})", last(path)));
    }
    // The language allows a null operator in a filter. The schema refuses it, because it would widen the filter to the team.
    let nulls = shapes(&verdict.null_operators);
    // The schema restricts the length of a page and allows only one end.
    let pages = shapes(&verdict.pages);
    // A cursor is any text to the language. All cursors of the generator are invalid.
    let cursors = shapes(&verdict.cursors);
    let representations = shapes(&verdict.representations);
    let keys = shapes(&verdict.repeated_keys);
    for (paths, what) in [(&nulls, "a null operator"), (&pages, "a page"), (&keys, "a sort key")] {
        if let Some(path) = paths.iter().find(|path| !failed.contains(*path)) {
            return Comparison::Differ(format!("{what} that is not refused ({})", last(path)));
        }
    }
    let explained =
        |path: &&String| [&wrong, &nulls, &pages, &cursors, &representations].iter().any(|known| known.contains(*path));
    if let Some(path) = refused.iter().find(|path| !explained(path)) {
        let message = outcome.messages.first().map_or(String::new(), |text| general(text));
        return Comparison::Differ(format!("an argument that is refused ({}): {message}", last(path)));
    }
    // Introspection of version 17 has a directive location that is an experiment.
    if let Some(difference) = &verdict.difference
        && verdicts.iter().all(|verdict| verdict.difference.is_some())
    {
        let place: Vec<_> = difference.path.iter().filter_map(Value::as_str).collect();
        let introspection =
            place.first().is_some_and(|_| outcome.text.contains("\"__schema\"") || outcome.text.contains("\"__type\""));
        let kind = if introspection { "introspection" } else { "data" };
        return Comparison::Differ(format!(
            "other {kind}: {} {}",
            place.last().unwrap_or(&""),
            verdict.others.first().map_or(String::new(), |text| general(text))
        ));
    }
    if let Some(other) = verdict.others.first() {
        return Comparison::Differ(format!("data that does not fit: {}", general(other)));
    }
    Comparison::Agree
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// A message without names and numbers, so that equal mistakes have equal messages.
pub fn general(message: &str) -> String {
    let mut text = String::new();
    let mut quote = None;
    for c in message.lines().next().unwrap_or_default().chars() {
        match (quote, c) {
            (None, '"' | '`') => {
                quote = Some(c);
                text.push('_');
            }
            (Some(open), c) if open == c => quote = None,
            (None, c) if c.is_ascii_digit() && text.ends_with('#') => {}
            (None, c) if c.is_ascii_digit() => text.push('#'),
            (None, c) => text.push(c),
            _ => {}
        }
    }
    text.chars().take(90).collect()
}
