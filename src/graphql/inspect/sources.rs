//! Sources: the operations in clients' files. A file may use fragments of any other file, as code generators have it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, Selection};

/// An operation with the fragments that it uses: a document of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationSource {
    /// The operation's name, or that of its file where it has none.
    pub name: String,
    /// The file it is in.
    pub file: String,
    /// The document's text.
    pub text: String,
}

/// The operations of these files, each given by its name and its text.
///
/// # Errors
/// Every mistake: a file that is not GraphQL, a fragment that is missing or has two meanings, two operations of one name.
pub fn operation_sources(files: &[(String, String)]) -> Result<Vec<OperationSource>, Vec<String>> {
    let (mut problems, mut documents) = (Vec::new(), Vec::new());
    for (file, text) in files {
        match Document::parse(text.as_str(), file) {
            Ok(document) => documents.push((file, document)),
            Err(failed) => {
                let first = failed.errors.iter().next().map(|error| {
                    let line = error.line_column_range().map_or(0, |range| range.start.line);
                    format!("{file}: line {line}: {}", error.error)
                });
                problems.extend(first);
            }
        }
    }
    let mut fragments: BTreeMap<&str, (&str, &Node<FragmentDefinition>)> = BTreeMap::new();
    for (file, document) in &documents {
        for definition in &document.definitions {
            let Definition::FragmentDefinition(fragment) = definition else { continue };
            match fragments.get(fragment.name.as_str()) {
                Some((other, known)) if known.to_string() != fragment.to_string() => {
                    problems.push(format!("{file}: the fragment {} means something else in {other}", fragment.name));
                }
                _ => drop(fragments.insert(&fragment.name, (file, fragment))),
            }
        }
    }
    let mut found: Vec<OperationSource> = Vec::new();
    for (file, document) in &documents {
        for definition in &document.definitions {
            let Definition::OperationDefinition(operation) = definition else { continue };
            let stem =
                || Path::new(file).file_stem().map_or_else(|| (*file).clone(), |stem| stem.display().to_string());
            let name = operation.name.as_ref().map_or_else(stem, ToString::to_string);
            let mut used = BTreeSet::new();
            let missing = uses(&operation.selection_set, &fragments, &mut used);
            problems.extend(
                missing.map(|missing| format!("{file}: {name} uses the fragment {missing}, which is in no file")),
            );
            let mut text = definition.to_string();
            for fragment in &used {
                text.push('\n');
                text.push_str(&fragments[fragment].1.to_string());
            }
            match found.iter().find(|known| known.name == name) {
                Some(known) if known.text == text => {}
                Some(known) => problems.push(format!("{file}: {} has another operation {name}", known.file)),
                None => found.push(OperationSource { name, file: (*file).clone(), text }),
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// Adds the fragments that selections use, in any depth, to `used`; returns one that there is not.
fn uses<'f>(
    selections: &[Selection],
    fragments: &BTreeMap<&'f str, (&str, &'f Node<FragmentDefinition>)>,
    used: &mut BTreeSet<&'f str>,
) -> Option<String> {
    let mut missing = None;
    for selection in selections {
        let found = match selection {
            Selection::Field(field) => uses(field.selection_set.as_deref().unwrap_or_default(), fragments, used),
            Selection::InlineFragment(inline) => uses(&inline.selection_set, fragments, used),
            Selection::FragmentSpread(spread) => match fragments.get_key_value(spread.fragment_name.as_str()) {
                None => Some(spread.fragment_name.to_string()),
                Some((name, (_, fragment))) if used.insert(name) => uses(&fragment.selection_set, fragments, used),
                Some(_) => None,
            },
        };
        missing = missing.or(found);
    }
    missing
}
