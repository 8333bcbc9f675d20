//! What `make counts` and the suite's check of instruction counts are made of.

pub mod bench;
pub mod callgrind;
pub mod committed;
pub mod paths;
