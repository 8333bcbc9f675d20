//! `schema --compare`: what changed between an older schema and this version's, for clients.
//!
//! Exit codes: 0 nothing at or above the class that `--fail-on` names · 1 something at or above it · 2 an unreadable schema.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::graphql::{ChangeClass, SchemaChange, schema_changes};

/// From which class of changes on the comparison fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FailOn {
    /// Breaking changes.
    Breaking,
    /// Breaking and dangerous changes.
    Dangerous,
    /// Nothing.
    Never,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For pull requests.
    Markdown,
}

/// Compares the file with the schema `sdl`, and prints the changes.
pub(super) fn compare(path: &Path, sdl: &str, format: Format, fail_on: FailOn) -> ExitCode {
    match changes(path, sdl) {
        Ok(changes) => {
            if let Err(error) = super::output::print(&print(&changes, format)) {
                eprintln!("error: {error:#}");
                return ExitCode::from(2);
            }
            let limit = match fail_on {
                FailOn::Breaking => Some(ChangeClass::Breaking),
                FailOn::Dangerous => Some(ChangeClass::Dangerous),
                FailOn::Never => None,
            };
            let fails = SchemaChange::worst(&changes).zip(limit).is_some_and(|(worst, limit)| worst <= limit);
            ExitCode::from(u8::from(fails))
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn changes(path: &Path, sdl: &str) -> anyhow::Result<Vec<SchemaChange>> {
    use anyhow::Context;

    let old = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    schema_changes(&old, sdl).with_context(|| path.display().to_string())
}

const CLASSES: [ChangeClass; 3] = [ChangeClass::Breaking, ChangeClass::Dangerous, ChangeClass::Safe];

fn print(changes: &[SchemaChange], format: Format) -> String {
    let of = |class: ChangeClass| changes.iter().filter(move |change| change.class == class);
    let count = |class: ChangeClass| of(class).count();
    match format {
        Format::Json => {
            let counts: serde_json::Map<_, _> =
                CLASSES.iter().map(|class| (class.name().to_owned(), count(*class).into())).collect();
            let change = |change: &SchemaChange| {
                json!({
                    "class": change.class.name(), "kind": change.kind,
                    "coordinate": change.coordinate, "message": change.message,
                })
            };
            let list: Vec<_> = changes.iter().map(change).collect();
            format!("{:#}\n", json!({ "counts": counts, "changes": list }))
        }
        _ if changes.is_empty() => "no changes\n".to_owned(),
        Format::Text => {
            let mut text = String::new();
            for class in CLASSES.into_iter().filter(|class| count(*class) > 0) {
                text.push_str(&format!("{} ({})\n", class.name(), count(class)));
                for SchemaChange { kind, coordinate, message, .. } in of(class) {
                    text.push_str(&format!("  {coordinate}  {kind}\n    {message}\n"));
                }
            }
            text
        }
        Format::Markdown => {
            let mut text = String::from("| change | where | what |\n|---|---|---|\n");
            for SchemaChange { class, coordinate, message, .. } in changes {
                text.push_str(&format!("| {} | `{coordinate}` | {} |\n", class.name(), message.replace('|', "\\|")));
            }
            text
        }
    }
}
