//! The commands of the binary: one file per command, and `command_line`, which dispatches to them.

// A textual macro: it must come before the commands.
#[macro_use]
mod output;

mod check;
mod command_line;
mod configuration;
mod demo;
mod demo_callers;
mod demo_upstream;
mod health;
mod keys;
mod manual;
mod plan;
mod runtime;
mod schema;
mod schema_compare;
mod serve;
mod settings;

pub use command_line::main;
