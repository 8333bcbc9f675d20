//! What the benchmark and its contestants share.

pub mod chart;
pub mod figures;
pub mod live;
pub mod load;
pub mod machine;
pub mod peers;
pub mod process;
pub mod questions;
pub mod serve;
pub mod service;
pub mod steps;
pub mod team;
