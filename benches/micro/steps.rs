//! The steps of a warm answer: pre-check, prepare, plan, project, each alone.

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use flowmatix_graphql_benches::questions::{self, Whose};
use flowmatix_graphql_benches::{service, steps};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn bench() -> steps::Bench {
    steps::Bench::new().expect("an engine")
}

fn list(n: usize) -> String {
    questions::lists(n + 1, 100, |_| Whose::Warm(0)).pop().expect("a question")
}

#[divan::bench]
fn scan_of_2_kb(bencher: Bencher) {
    let (bench, text) = (bench(), steps::two_kilobytes());
    bencher.bench_local(|| bench.engine.steps().scan(black_box(&text)));
}

#[divan::bench]
fn count_over_2_kb(bencher: Bencher) {
    let bench = bench();
    let document = bench.engine.steps().parse(&steps::two_kilobytes()).expect("a document");
    bencher.bench_local(|| bench.engine.steps().measure(black_box(&document)));
}

#[divan::bench]
fn parse_a_list(bencher: Bencher) {
    let (bench, text) = (bench(), service::text(&list(0)).expect("a text"));
    bencher.bench_local(|| bench.engine.steps().parse(black_box(&text)));
}

#[divan::bench]
fn validate_a_list(bencher: Bencher) {
    let (bench, text) = (bench(), service::text(&list(0)).expect("a text"));
    bencher
        .with_inputs(|| bench.engine.steps().parse(&text).expect("a document"))
        .bench_local_values(|document| bench.engine.steps().validate(document));
}

#[divan::bench]
fn plan_a_list(bencher: Bencher) {
    let bench = bench();
    let document = bench.engine.steps().parse(&service::text(&list(0)).expect("a text")).expect("a document");
    let document = bench.engine.steps().validate(document).expect("a valid document");
    bencher.bench_local(|| bench.engine.steps().plan(black_box(&document)));
}

/// From a text that is not kept.
#[divan::bench]
fn prepare_anew(bencher: Bencher) {
    let (bench, body) = (bench(), list(0));
    bencher
        .with_inputs(|| bench.request(&body).expect("a request"))
        .bench_local_values(|request| bench.engine.steps().prepare(request));
}

/// From one that is.
#[divan::bench]
fn prepare_again(bencher: Bencher) {
    let (bench, body) = (bench(), list(0));
    bench.ask(&body).expect("an answer");
    bencher
        .with_inputs(|| bench.request(&body).expect("a request"))
        .bench_local_values(|request| bench.engine.steps().prepare(request));
}

/// Six fields of each member.
#[divan::bench(args = [1, 10, 100, 1_000, 10_000])]
fn project(bencher: Bencher, members: usize) {
    let bench = bench();
    let question = bench.question(0, members).expect("a question");
    bencher.counter(ItemsCount::new(members * 6)).bench_local(|| bench.engine.steps().project(black_box(&question)));
}
