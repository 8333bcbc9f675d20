//! The upstream's body: a roster or an error, the same for every cut and whatever is read ahead, never a crash.
#![no_main]
#[path = "../harness.rs"]
#[allow(dead_code)]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::upstream(bytes));
