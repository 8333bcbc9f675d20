//! The differential test: the service and graphql-js 16 and 17 judge the same random documents and variables. Phase and error
//! paths must be equal, the data must be what graphql-js makes of the same values, and stay the same when what graphql-js coerced
//! the variables to is written into the document.
//!
//! The suite tries 2,000 requests, `make conformance` 100,000; `CONFORMANCE_CASES` and `CONFORMANCE_SEED` set the number and
//! the seed.
//! Differences are shrunk and printed. The graphql-js side is in tests/conformance.

mod compare;
mod corpus;
mod definitions;
mod document;
mod draw;
mod faults;
mod generate;
mod judge;
mod lexical;
mod repeat;
mod report;
mod respelled;
mod service;
mod shrink;
mod sides;
mod types;
mod values;
mod variables;

use compare::Comparison;
use draw::Draw;
use report::Report;
use sides::Sides;
use types::Types;

/// Requests per batch.
const CHUNK: usize = 250;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn service_and_graphql_js_agree_on_every_document() {
    let (cases, seed) = (number("CONFORMANCE_CASES", 2000) as usize, number("CONFORMANCE_SEED", 20_261_126));
    println!("CONFORMANCE_CASES={cases} CONFORMANCE_SEED={seed}");
    let mut sides = Sides::start();
    let started = std::time::Instant::now();
    let types: Vec<_> = sides::SCHEMAS.iter().map(|name| Types::read(&sides.judge.schemas[name])).collect();
    let mut report = Report::default();
    let Sides { judge, clients, inlined, .. } = &mut sides;
    let make = |number: usize| {
        let mut draw = Draw::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number as u64));
        let schema = usize::from(draw.one_in(5));
        generate::case(&types[schema], sides::SCHEMAS[schema], &mut draw)
    };
    std::thread::scope(|scope| {
        // The service answers the next requests while graphql-js judges these.
        let (sender, answered) = std::sync::mpsc::sync_channel(2);
        scope.spawn(move || {
            for first in (0..cases).step_by(CHUNK) {
                let made: Vec<_> = (first..cases.min(first + CHUNK)).map(make).collect();
                let outcomes = Sides::ask(clients, &made);
                if sender.send((made, outcomes)).is_err() {
                    return;
                }
            }
        });
        for (made, outcomes) in answered {
            let verdicts = Sides::verdicts(judge, &made, &outcomes);
            for ((case, outcome), verdicts) in made.iter().zip(&outcomes).zip(&verdicts) {
                let mut comparison = Sides::settle(judge, case, outcome, verdicts);
                if comparison == Comparison::Agree {
                    comparison = Sides::compare_inlined(inlined, case, outcome, verdicts);
                }
                report.add(case, outcome, verdicts, comparison);
            }
        }
    });
    report.print(&mut sides);
    println!("{:.1} s", started.elapsed().as_secs_f64());
    let (differences, kinds) = report.differences();
    assert_eq!(differences, 0, "{differences} of {cases} differ, in {kinds} kinds; CONFORMANCE_SEED={seed}");
    // Agreement means nothing if the generator no longer reaches every rule and phase.
    assert_eq!(report.missing(&sides.judge.rules), [""; 0]);
}
