//! Figures: what the rounds brought, and how they read in a table.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::load::Outcome;

/// One run of a contestant in a case.
#[derive(Clone, Copy)]
pub struct Run {
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// Processor time of the contestant's process for one request.
    pub cpu: Duration,
}

impl Run {
    pub fn new(outcome: &Outcome, cpu: Duration) -> Self {
        let at = |share: f64| outcome.latencies[((outcome.latencies.len() - 1) as f64 * share) as usize];
        Self {
            per_second: outcome.requests as f64 / outcome.elapsed.as_secs_f64(),
            p50: at(0.5),
            p99: at(0.99),
            cpu: cpu / u32::try_from(outcome.requests.max(1)).unwrap_or(u32::MAX),
        }
    }
}

/// A goal, and whether it is reached.
pub struct Goal {
    pub text: String,
    pub figure: String,
    pub is_reached: bool,
}

/// All runs, by case and contestant, a round after the other.
#[derive(Default)]
pub struct Results(BTreeMap<(&'static str, &'static str), Vec<Run>>);

/// The middle of some figures, and the least and the greatest.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub greatest: f64,
}

impl Spread {
    pub fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self { median: figures[figures.len() / 2], least: figures[0], greatest: figures[figures.len() - 1] }
    }
}

impl Results {
    pub fn add(&mut self, case: &'static str, contestant: &'static str, run: Run) {
        self.0.entry((case, contestant)).or_default().push(run);
    }

    pub fn spread(&self, case: &'static str, contestant: &'static str, figure: impl Fn(&Run) -> f64) -> Option<Spread> {
        let runs = self.0.get(&(case, contestant))?;
        Some(Spread::of(runs.iter().map(figure).collect()))
    }

    /// How many times the other's throughput one has, round by round.
    pub fn ratio(&self, case: &'static str, one: &'static str, other: &'static str) -> Option<Spread> {
        let (one, other) = (self.0.get(&(case, one))?, self.0.get(&(case, other))?);
        Some(Spread::of(one.iter().zip(other).map(|(one, other)| one.per_second / other.per_second).collect()))
    }
}

/// A number with as many digits as mean something.
pub fn short(number: f64) -> String {
    if number >= 1000.0 {
        let digits = (number.log10().floor() as i32 - 2).max(0);
        let rounded = (number / 10_f64.powi(digits)).round() * 10_f64.powi(digits);
        grouped(rounded as u64)
    } else if number >= 100.0 {
        format!("{number:.0}")
    } else if number >= 10.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    }
}

/// A whole number, with a comma after each thousand.
pub fn grouped(number: u64) -> String {
    let text = number.to_string();
    let mut grouped = String::new();
    for (n, digit) in text.chars().enumerate() {
        if n > 0 && (text.len() - n) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A length of time, in milliseconds, microseconds or nanoseconds.
pub fn time(seconds: f64) -> String {
    match seconds {
        1e-3.. => format!("{} ms", short(seconds * 1e3)),
        1e-6.. => format!("{} µs", short(seconds * 1e6)),
        _ => format!("{} ns", short(seconds * 1e9)),
    }
}

/// Bytes, in KiB or MiB.
pub fn bytes(bytes: f64) -> String {
    const KIB: f64 = 1024.0;
    if bytes >= KIB * KIB { format!("{} MiB", short(bytes / KIB / KIB)) } else { format!("{} KiB", short(bytes / KIB)) }
}

/// A Markdown table.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<String> = (0..head.len()).map(|n| if n == 0 { "---" } else { "---:" }.to_owned()).collect();
    rows.iter().fold(line(&head) + &line(&rule).replace(' ', ""), |table, row| table + &line(row))
}
