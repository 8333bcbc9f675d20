//! The reference: every setting as a Markdown table, printed from the definitions.

use std::fmt::Write;

use super::root::{Config, Profile};

impl Config {
    /// All settings with their defaults and meanings, as Markdown.
    #[must_use]
    pub fn reference() -> String {
        let (serve, demo) = (Self::defaults(Profile::Serve), Self::defaults(Profile::Demo));
        let demo = demo.settings();
        let mut text = String::new();
        for section in serve.sections() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "### `[{}]`\n\n{}\n", section.name(), section.help());
            let _ = writeln!(text, "| setting | environment | default | meaning |\n|---|---|---|---|");
            for setting in section.settings() {
                let in_demo = demo.iter().find(|other| other.path == setting.path);
                let mut default = code(&setting.value);
                if let Some(other) = in_demo.filter(|other| other.value != setting.value) {
                    let _ = write!(default, " (`demo`: {})", code(&other.value));
                }
                let (path, variable) = (&setting.path, setting.variable());
                let mut help = sentence(&setting.help, &setting.shape);
                if Self::needs_restart(path) {
                    help.push_str(" Needs a restart.");
                }
                let _ = writeln!(text, "| `{path}` | `{variable}` | {default} | {help} |");
            }
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

fn code(value: &str) -> String {
    if value.is_empty() { "none".to_owned() } else { format!("`{value}`") }
}

fn sentence(help: &str, shape: &str) -> String {
    let mut shape = shape.to_owned();
    if let Some(first) = shape.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{help} {shape}.").replace('\n', " ").replace('|', "\\|")
}
