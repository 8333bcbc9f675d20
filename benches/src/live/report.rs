//! What was measured, and what of it falls short: printed as it comes, and written into the documentation's page at the end.

use std::path::Path;

use anyhow::{Context, Result};

use super::crowd::Crowd;
use crate::figures::{bytes, short, table, time};

/// The columns of [`Report::crowd`].
const HEAD: [&str; 7] =
    ["", "subscribers", "events a second", "delay, median", "p99", "CPU an event", "memory, idle subscriber"];

#[derive(Default)]
pub struct Report {
    rows: Vec<Vec<String>>,
    lines: Vec<String>,
    pub wrong: Vec<String>,
}

impl Report {
    /// A figure, and whether it is as promised.
    pub fn add(&mut self, name: &str, figure: String, is_well: bool) {
        eprintln!("{} {name}: {figure}", if is_well { "ok  " } else { "FAIL" });
        self.lines.push(format!("- {name}: {figure}"));
        if !is_well {
            self.wrong.push(name.to_owned());
        }
    }

    /// A crowd's row of the table.
    pub fn crowd(&mut self, name: &str, crowd: &Crowd) {
        eprintln!(
            "{name}: {} subscribers, {} events of {}, {} calls in {:.1} s, delay {} / {}, CPU {} an event, memory {} idle, {} most",
            crowd.subscribers,
            crowd.events,
            crowd.possible,
            crowd.calls,
            crowd.seconds,
            time(crowd.delay(0.5)),
            time(crowd.delay(0.99)),
            time(crowd.cpu_of_an_event()),
            bytes(crowd.memory()),
            bytes(crowd.most),
        );
        self.add(
            &format!("everybody of {name} has the last state"),
            format!("{} of {}", crowd.up_to_date, crowd.subscribers),
            crowd.up_to_date == crowd.subscribers,
        );
        self.rows.push(vec![
            name.to_owned(),
            short(crowd.subscribers as f64),
            short(crowd.events as f64 / crowd.seconds),
            time(crowd.delay(0.5)),
            time(crowd.delay(0.99)),
            time(crowd.cpu_of_an_event()),
            bytes(crowd.memory()),
        ]);
    }

    /// The table and the lines.
    pub fn text(&self) -> String {
        format!("{}\n{}\n", table(&HEAD, &self.rows), self.lines.join("\n"))
    }
}

/// Puts a section in the place of the one with the same heading.
pub fn write(path: &Path, section: &str) -> Result<()> {
    let page = std::fs::read_to_string(path)?;
    let heading = section.lines().next().context("no heading")?;
    let start = page.find(&format!("{heading}\n")).with_context(|| format!("no `{heading}` in {}", path.display()))?;
    let end = page[start + heading.len()..].find("\n## ").map_or(page.len(), |end| start + heading.len() + end + 1);
    let rest = &page[end..];
    let text =
        format!("{}{}{}", &page[..start], section, if rest.is_empty() { String::new() } else { format!("\n{rest}") });
    Ok(std::fs::write(path, text)?)
}
