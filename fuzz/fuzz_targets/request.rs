//! A request's body: a refusal or an answer, never a crash.
#![no_main]
#[path = "../harness.rs"]
#[allow(dead_code)]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::request(bytes));
