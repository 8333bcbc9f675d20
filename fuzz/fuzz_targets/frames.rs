//! Frames of a WebSocket: an answer or a close with a code that was meant, never a crash.
#![no_main]
#[path = "../harness.rs"]
#[allow(dead_code)]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::frames(bytes));
