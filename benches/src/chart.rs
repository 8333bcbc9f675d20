//! The chart: throughput as horizontal bars on a logarithmic scale, each with its spread.

use std::fmt::Write as _;

use crate::figures::{Spread, short};

/// A group of bars under one title.
pub struct Group {
    pub title: String,
    pub bars: Vec<Bar>,
}

pub struct Bar {
    pub name: &'static str,
    pub ours: bool,
    pub per_second: Spread,
}

const LABEL: f64 = 190.0;
const WIDTH: f64 = 440.0;
const ROW: f64 = 22.0;

/// Draws the groups below each other.
pub fn svg(groups: &[Group]) -> String {
    let all = || groups.iter().flat_map(|group| &group.bars);
    let least = all().map(|bar| bar.per_second.least).fold(f64::INFINITY, f64::min).log10().floor();
    let greatest = all().map(|bar| bar.per_second.greatest).fold(1.0, f64::max).log10().ceil();
    let x = |value: f64| LABEL + (value.max(1e-9).log10() - least) / (greatest - least) * WIDTH;

    let mut marks = String::new();
    let mut y = 8.0;
    for group in groups {
        y += 24.0;
        let _ = writeln!(marks, r#"<text x="8" y="{y}" class="title">{}</text>"#, group.title);
        y += 8.0;
        for bar in &group.bars {
            let spread = bar.per_second;
            let (middle, colour) = (y + ROW / 2.0, if bar.ours { "#0b7285" } else { "#adb5bd" });
            let _ = writeln!(
                marks,
                r##"<text x="{}" y="{}" text-anchor="end">{}</text><rect x="{LABEL}" y="{}" width="{:.1}" height="{}" fill="{colour}"/><path d="M{:.1} {middle}H{:.1}" stroke="#212529" stroke-width="2"/><text x="{:.1}" y="{}">{}</text>"##,
                LABEL - 8.0,
                middle + 4.0,
                bar.name,
                y + 3.0,
                x(spread.median) - LABEL,
                ROW - 6.0,
                x(spread.least),
                x(spread.greatest),
                x(spread.greatest) + 8.0,
                middle + 4.0,
                short(spread.median),
            );
            y += ROW;
        }
    }
    let mut grid = String::new();
    for power in least as i32..=greatest as i32 {
        let at = x(10_f64.powi(power));
        let _ = writeln!(
            grid,
            r##"<path d="M{at:.1} 12V{y}" stroke="#dee2e6"/><text x="{at:.1}" y="{}" text-anchor="middle" class="axis">{}</text>"##,
            y + 16.0,
            short(10_f64.powi(power)).trim_end_matches(".00").trim_end_matches(".0"),
        );
    }
    let (width, height) = (LABEL + WIDTH + 70.0, y + 44.0);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="Requests a second, on a logarithmic scale">
<style>text {{ font: 12px system-ui, sans-serif; fill: #212529 }} .title {{ font-weight: 600 }} .axis {{ fill: #868e96; font-size: 11px }}</style>
<rect width="{width}" height="{height}" fill="#ffffff"/>
{grid}{marks}<text x="{}" y="{}" text-anchor="middle" class="axis">requests a second (logarithmic); the line through a bar's end is the spread of the rounds</text>
</svg>
"##,
        LABEL + WIDTH / 2.0,
        y + 34.0,
    )
}
