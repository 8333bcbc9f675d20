//! Headers and query strings: an answer or a refusal, never a crash.
#![no_main]
#[path = "../harness.rs"]
#[allow(dead_code)]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::headers(bytes));
