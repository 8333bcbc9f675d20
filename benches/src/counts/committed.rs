//! The committed figures: what is compared with them, and how they change with a line of why in the changelog.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::figures::{grouped, table};
use crate::machine;

/// How far a figure may be from the committed one, in percent. Also below: a gain that is not committed is room for a loss.
const ROOM: f64 = 3.0;
/// The changelog's list.
const HEADING: &str = "### Instruction counts";

/// Instructions by the names of paths.
pub type Counts = BTreeMap<String, u64>;

/// `benches/counts.json`.
#[derive(Default, Deserialize, Serialize)]
pub struct Committed {
    /// What the figures depend on besides the code.
    counted_with: Vec<String>,
    instructions: Counts,
}

/// What a comparison says.
pub struct Comparison {
    pub table: String,
    /// What is wrong.
    pub problems: Vec<String>,
    /// Where other tools counted than those that the committed figures are of: which ones. What differs may be theirs then.
    pub other_tools: Option<String>,
}

impl Committed {
    /// What is committed; nothing where there is no file.
    pub fn read() -> Result<Self> {
        match std::fs::read_to_string(file("benches/counts.json")?) {
            Ok(text) => serde_json::from_str(&text).context("benches/counts.json"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    pub fn compare(&self, counts: &Counts) -> Comparison {
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        for (name, &measured) in counts {
            let known = self.instructions.get(name).copied();
            let difference = known.map(|known| percent(known, measured));
            match difference {
                None => problems.push(format!("{name} has no committed figure")),
                Some(more) if more > ROOM => problems.push(format!("{name} takes {more:.1} % more than is committed")),
                Some(less) if less < -ROOM => {
                    problems.push(format!("{name} takes {:.1} % less than is committed: commit the gain", -less));
                }
                Some(_) => {}
            }
            rows.push(vec![
                name.clone(),
                known.map_or("none".to_owned(), grouped),
                grouped(measured),
                difference.map_or(String::new(), |difference| format!("{difference:+.2} %")),
            ]);
        }
        let here = counted_with();
        let other_tools = (here != self.counted_with).then(|| {
            format!("the committed figures are of {}; here are {}", self.counted_with.join(", "), here.join(", "))
        });
        Comparison { table: table(&["path", "committed", "measured", "difference"], &rows), problems, other_tools }
    }

    /// Commits these figures, and says why in the changelog.
    pub fn update(&self, counts: Counts, why: &str) -> Result<()> {
        ensure!(!why.trim().is_empty(), "say why: make counts WHY=\"…\"");
        let changelog = file("CHANGELOG.md")?;
        let text = std::fs::read_to_string(&changelog)?;
        std::fs::write(changelog, with_line(&text, &self.line(&counts, why.trim()))?)?;
        let committed = Self { counted_with: counted_with(), instructions: counts };
        std::fs::write(file("benches/counts.json")?, serde_json::to_string_pretty(&committed)? + "\n")?;
        Ok(())
    }

    /// Why, and what it does to the figures.
    fn line(&self, counts: &Counts, why: &str) -> String {
        let changed = counts.iter().filter_map(|(name, &measured)| {
            let known = *self.instructions.get(name)?;
            let difference = percent(known, measured);
            (difference.abs() >= 0.5).then(|| format!("{name} {difference:+.1} %"))
        });
        let changed = changed.collect::<Vec<_>>().join(", ");
        if changed.is_empty() { format!("- {why}") } else { format!("- {why} ({changed})") }
    }
}

/// The changelog with a line more at the end of its first version's list, which is made where there is none.
fn with_line(changelog: &str, line: &str) -> Result<String> {
    let first = changelog.find("\n## ").context("the changelog has no version")? + 1;
    let end = changelog[first..].find("\n## ").map_or(changelog.len(), |length| first + length + 1);
    let (version, rest) = (&changelog[first..end], &changelog[end..]);
    let (before, list, after) = match version.find(HEADING) {
        Some(heading) => {
            let length = version[heading + HEADING.len()..].find("\n#").map(|length| HEADING.len() + length + 1);
            let end = length.map_or(version.len(), |length| heading + length);
            (&version[..heading], version[heading..end].trim_end().to_owned() + "\n", &version[end..])
        }
        None => (version, format!("{HEADING}\n\n"), ""),
    };
    let space = if after.is_empty() && rest.is_empty() { "" } else { "\n" };
    Ok(format!("{}{}\n\n{list}{line}\n{space}{after}{rest}", &changelog[..first], before.trim_end()))
}

/// By how much a figure is above the one before.
fn percent(before: u64, now: u64) -> f64 {
    (now as f64 - before as f64) * 100.0 / before as f64
}

/// The compiler, the C library and callgrind, and which instructions of the processor both may choose by.
fn counted_with() -> Vec<String> {
    let mut tools = vec![
        machine::version("rustc", "--version"),
        machine::version("cc", "--version"),
        machine::version("getconf", "GNU_LIBC_VERSION"),
        machine::version("valgrind", "--version"),
    ];
    tools.extend(machine::vector_instructions().into_iter().map(str::to_owned));
    tools
}

/// A file of the repository.
fn file(path: &str) -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no folder above")?.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGINNING: &str = "# Changelog\n\n## 0.2.0\n\n### Added\n\n- A.\n";

    #[test]
    fn a_line_joins_the_list_of_the_first_version() {
        let one = with_line(BEGINNING, "- One.").unwrap();
        assert_eq!(one, format!("{BEGINNING}\n{HEADING}\n\n- One.\n"));
        let older = format!("{one}\n## 0.1.0\n\n- B.\n");
        let two = with_line(&older, "- Two.").unwrap();
        assert_eq!(two, format!("{BEGINNING}\n{HEADING}\n\n- One.\n- Two.\n\n## 0.1.0\n\n- B.\n"));
        let between = one + "\n### Fixed\n\n- C.\n";
        let two = with_line(&between, "- Two.").unwrap();
        assert_eq!(two, format!("{BEGINNING}\n{HEADING}\n\n- One.\n- Two.\n\n### Fixed\n\n- C.\n"));
    }

    #[test]
    fn a_difference_beyond_the_room_is_a_problem_both_ways() {
        let counts = |figure| Counts::from([("warm".to_owned(), figure)]);
        let committed = Committed { counted_with: counted_with(), instructions: counts(1000) };
        let problems = |figure| committed.compare(&counts(figure)).problems;
        assert_eq!(problems(1030), Vec::<String>::new());
        assert_eq!(problems(970), Vec::<String>::new());
        assert_eq!(problems(1031), ["warm takes 3.1 % more than is committed"]);
        assert_eq!(problems(969), ["warm takes 3.1 % less than is committed: commit the gain"]);
        assert_eq!(Committed::default().compare(&counts(1)).problems, ["warm has no committed figure"]);
        assert!(committed.compare(&counts(1)).other_tools.is_none());
        let other = Committed { counted_with: vec!["rustc 1.0.0".to_owned()], instructions: counts(1000) };
        let said = other.compare(&counts(1)).other_tools.unwrap();
        assert!(said.starts_with("the committed figures are of rustc 1.0.0; here are rustc "), "{said}");
    }
}
