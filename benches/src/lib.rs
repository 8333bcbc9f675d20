//! What the benchmark and its contestants share.

pub mod big_teams;
pub mod chart;
pub mod counts;
pub mod figures;
pub mod live;
pub mod load;
pub mod machine;
pub mod peers;
pub mod process;
pub mod questions;
pub mod resident;
pub mod serve;
pub mod service;
pub mod steps;
pub mod team;
pub mod team_loop;
