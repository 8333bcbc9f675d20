//! `plan`: what operations cost before they ship. `command` runs it, `documents` finds the operations, `traffic_file` reads who will
//! send them how often, `report` joins both, and `print` shows it.

mod command;
mod documents;
mod print;
mod report;
mod traffic_file;

pub(super) use command::{PlanArgs, run};
