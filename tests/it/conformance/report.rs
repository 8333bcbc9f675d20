//! Counts the results of many comparisons, and keeps short examples of each kind of difference.

use std::collections::BTreeMap;

use super::compare::Comparison;
use super::generate::Case;
use super::judge::{Phase, Verdict};
use super::service::Outcome;
use super::shrink::shrink;
use super::sides::Sides;

/// The most kinds of differences that are shrunk and printed.
const SHOWN: usize = 40;
/// The most requests that are tried to shrink one.
const TRIES: usize = 400;

/// Rules of validation that no document over this schema can break: there is no subscription, no `@defer` and no `@stream`.
const UNREACHABLE: &[&str] = &[
    "SingleFieldSubscriptionsRule",
    "DeferStreamDirectiveOnRootFieldRule",
    "DeferStreamDirectiveOnValidOperationsRule",
    "DeferStreamDirectiveLabelRule",
    "StreamDirectiveOnListFieldRule",
];

/// The counts.
#[derive(Default)]
pub struct Report {
    tried: usize,
    phases: BTreeMap<Phase, usize>,
    rules: BTreeMap<String, usize>,
    limited: usize,
    /// Refusals with locations on both sides, and those of them whose first location is equal.
    placed: usize,
    placed_alike: usize,
    deliberate: BTreeMap<&'static str, usize>,
    /// Each kind of difference: how many there are, and the shortest cases.
    differences: BTreeMap<String, (usize, Vec<Case>)>,
}

impl Report {
    /// Counts a request.
    pub fn add(&mut self, case: &Case, outcome: &Outcome, verdicts: &[Verdict; 2], comparison: Comparison) {
        self.tried += 1;
        *self.phases.entry(verdicts[1].phase).or_default() += 1;
        for rule in &verdicts[1].rules {
            *self.rules.entry(rule.clone()).or_default() += 1;
        }
        if let (Some(place), [_, Verdict { locations, .. }]) = (outcome.locations.first(), verdicts)
            && !locations.is_empty()
        {
            self.placed += 1;
            self.placed_alike += usize::from(locations.contains(place));
        }
        match comparison {
            Comparison::Agree => {}
            Comparison::Limited => self.limited += 1,
            Comparison::Deliberate(what) => *self.deliberate.entry(what).or_default() += 1,
            Comparison::Differ(kind) => {
                let (count, cases) = self.differences.entry(kind).or_default();
                *count += 1;
                cases.push(case.clone());
                cases.sort_by_key(|case| case.body().len());
                cases.truncate(2);
            }
        }
    }

    /// The number of differences, and of their kinds.
    pub fn differences(&self) -> (usize, usize) {
        (self.differences.values().map(|(count, _)| count).sum(), self.differences.len())
    }

    /// Rules that no request broke, and phases in which less than 1 % of the requests ended.
    pub fn missing(&self, rules: &[String]) -> Vec<String> {
        let rules = rules.iter().filter(|rule| !UNREACHABLE.contains(&rule.as_str()));
        let unbroken = rules.filter(|rule| !self.rules.contains_key(*rule)).cloned();
        let phases = [Phase::Syntax, Phase::Validation, Phase::Operation, Phase::Variables, Phase::Executed];
        let seldom =
            phases.into_iter().filter(|phase| self.phases.get(phase).is_none_or(|count| count * 100 < self.tried));
        unbroken.chain(seldom.map(|phase| format!("{phase:?}"))).collect()
    }

    /// Prints the counts, and the differences, the most frequent first, each with its smallest example.
    pub fn print(&self, sides: &mut Sides) {
        println!("{} requests ended in {:?}", self.tried, self.phases);
        println!("they broke {:?}", self.rules);
        println!("{} of {} refusals have equal locations", self.placed_alike, self.placed);
        println!("{} met a limit; deliberate differences: {:?}", self.limited, self.deliberate);
        let mut kinds: Vec<_> = self.differences.iter().collect();
        kinds.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        for (kind, (count, cases)) in kinds.into_iter().take(SHOWN) {
            let small = cases
                .iter()
                .map(|case| shrink(case, TRIES, |case| sides.compare(case) == Comparison::Differ(kind.clone())));
            let small = small.min_by_key(|case| case.body().len()).unwrap();
            let (outcome, verdicts) = sides.judge(&small);
            println!("\n{count} × {kind}\n  {}: {}", small.schema, small.body());
            println!("  service: {}", outcome.text.chars().take(400).collect::<String>());
            for (version, verdict) in ["16", "17"].iter().zip(&verdicts) {
                let Verdict { phase, messages, paths, difference, others, .. } = verdict;
                println!("  graphql {version}: {phase:?} {messages:?} {paths:?} {difference:?} {others:?}");
            }
        }
    }
}
