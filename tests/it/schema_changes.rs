//! Changes between schemas: classed as graphql-js classes them, over random pairs of schemas, and told by the command line.

use flowmatix_graphql::config::FederationConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use fastrand::Rng;
use flowmatix_graphql::graphql::{SchemaChange, api_sdl, federation_sdl, schema_changes};
use serde_json::{Value, json};

use crate::support::TempFile;
use crate::support::service::run;

/// A schema that is easy to change: every part of every type is a text of its own.
#[derive(Clone)]
struct Sketch {
    types: BTreeMap<String, Definition>,
    directives: BTreeMap<String, String>,
}

#[derive(Clone)]
struct Definition {
    keyword: &'static str,
    /// What an object or interface implements.
    interfaces: BTreeSet<&'static str>,
    /// Fields and values by name, members of a union.
    parts: BTreeMap<&'static str, String>,
}

/// Types that are always there, so that others may refer to them, and one that comes and goes.
const TYPES: [&str; 9] = ["A", "B", "C", "D", "E", "F", "G", "K", "Loose"];
/// A type that never changes, so that defaults of it are always values of it.
const FIXED: &str = "input H { one: Int two: Int }";
const NAMES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];
const KEYWORDS: [&str; 6] = ["type", "interface", "union", "enum", "input", "scalar"];

fn some<'a>(random: &mut Rng, of: &[&'a str]) -> &'a str {
    of[random.usize(..of.len())]
}

fn type_text(random: &mut Rng) -> String {
    let inner = if random.bool() {
        some(random, &["Int", "String", "Boolean", "ID", "Float"])
    } else {
        some(random, &TYPES[..8])
    };
    let mut text = inner.to_owned();
    for _ in 0..random.usize(..3) {
        text = match random.u8(..3) {
            0 => format!("[{text}]"),
            1 if !text.ends_with('!') => format!("{text}!"),
            _ => text,
        };
    }
    text
}

fn input(random: &mut Rng, name: &str) -> String {
    let (ty, default) = match random.u8(..6) {
        0 => (some(random, &["Int", "Int!"]).to_owned(), some(random, &[" = 1", " = 2", ""])),
        1 => ("H".to_owned(), some(random, &[" = { one: 1, two: 2 }", " = { two: 2, one: 1 }", " = {}"])),
        2 => ("[Int!]".to_owned(), some(random, &[" = [1]", " = [1, 2]", ""])),
        _ => (type_text(random), ""),
    };
    format!("{name}: {ty}{default}")
}

fn arguments(random: &mut Rng) -> String {
    let list: Vec<_> = NAMES[..3].iter().filter(|_| random.u8(..3) == 0).copied().collect();
    let list: Vec<_> = list.into_iter().map(|name| input(random, name)).collect();
    if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) }
}

impl Definition {
    fn random(random: &mut Rng) -> Self {
        let keyword = some(random, &KEYWORDS);
        let mut definition = Self { keyword, interfaces: BTreeSet::new(), parts: BTreeMap::new() };
        for _ in 0..2 + random.usize(..3) {
            definition.change_part(random);
        }
        definition
    }

    fn change_part(&mut self, random: &mut Rng) {
        let name = some(random, if self.keyword == "union" { &TYPES[..8] } else { &NAMES[..] });
        if random.u8(..4) == 0 && self.parts.len() > 1 {
            self.parts.remove(name);
            return;
        }
        let part = match self.keyword {
            "type" | "interface" => format!("{name}{}: {}", arguments(random), type_text(random)),
            "input" => input(random, name),
            _ => name.to_owned(),
        };
        self.parts.insert(name, part);
    }

    fn text(&self, name: &str) -> String {
        let parts: Vec<&str> = self.parts.values().map(String::as_str).collect();
        let interfaces: Vec<&str> = self.interfaces.iter().copied().collect();
        let implements =
            if interfaces.is_empty() { String::new() } else { format!(" implements {}", interfaces.join(" & ")) };
        match self.keyword {
            "scalar" => format!("scalar {name}"),
            "union" => format!("union {name} = {}", parts.join(" | ")),
            "type" | "interface" => format!("{} {name}{implements} {{ {} }}", self.keyword, parts.join("\n")),
            keyword => format!("{keyword} {name} {{ {} }}", parts.join("\n")),
        }
    }
}

impl Sketch {
    fn random(random: &mut Rng) -> Self {
        let types = TYPES.iter().map(|name| ((*name).to_owned(), Definition::random(random))).collect();
        let mut sketch = Self { types, directives: BTreeMap::new() };
        for _ in 0..3 {
            sketch.change(random);
        }
        sketch
    }

    fn change(&mut self, random: &mut Rng) {
        let name = some(random, &TYPES);
        match random.u8(..10) {
            0 => drop(self.types.insert(name.to_owned(), Definition::random(random))),
            1 if self.types.contains_key("Loose") => drop(self.types.remove("Loose")),
            1 => drop(self.types.insert("Loose".to_owned(), Definition::random(random))),
            2 | 3 => {
                let directive = some(random, &["x", "y"]);
                let locations: Vec<_> =
                    ["FIELD", "QUERY", "OBJECT"].into_iter().filter(|_| random.bool()).chain(["ENUM"]).collect();
                let repeatable = some(random, &["", " repeatable"]);
                let text =
                    format!("directive @{directive}{}{repeatable} on {}", arguments(random), locations.join(" | "));
                if random.u8(..4) == 0 {
                    self.directives.remove(directive);
                } else {
                    self.directives.insert(directive.to_owned(), text);
                }
            }
            4 => {
                let interface = some(random, &TYPES[..8]);
                if let Some(definition) = self.types.get_mut(name)
                    && !definition.interfaces.remove(interface)
                {
                    definition.interfaces.insert(interface);
                }
            }
            _ => {
                if let Some(definition) = self.types.get_mut(name) {
                    definition.change_part(random);
                }
            }
        }
    }

    fn text(&self) -> String {
        let types = self.types.iter().map(|(name, definition)| definition.text(name));
        let directives = self.directives.values().cloned();
        let all: Vec<_> =
            types.chain(directives).chain(["type Query { a: Int }".to_owned(), FIXED.to_owned()]).collect();
        all.join("\n")
    }
}

type Found = BTreeSet<(String, String, String)>;

/// What both have an opinion on.
fn compared(kind: &str) -> bool {
    const OURS: [&str; 8] = [
        "ROOT_TYPE_REMOVED",
        "ROOT_TYPE_CHANGED",
        "ROOT_TYPE_ADDED",
        "ENTITY_KEY_REMOVED",
        "ENTITY_KEY_ADDED",
        "DEPRECATED",
        "DEPRECATION_REMOVED",
        "SPECIFIED_BY_CHANGED",
    ];
    // graphql-js tells of a safe change of a type only where no default changes as well.
    !OURS.contains(&kind) && !kind.ends_with("_KIND_SAFE") && kind != "DESCRIPTION_CHANGED"
}

fn ours(changes: &[SchemaChange]) -> Found {
    let one =
        |change: &SchemaChange| (change.class.name().to_owned(), change.kind.to_owned(), change.coordinate.clone());
    changes.iter().filter(|change| compared(change.kind)).map(one).collect()
}

fn theirs(changes: &Value) -> Found {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |change: &Value| (text(&change["class"]), text(&change["kind"]), text(&change["coordinate"]));
    let found: Found = changes.as_array().unwrap().iter().map(one).filter(|(_, kind, _)| compared(kind)).collect();
    // It lists an added optional input field as dangerous, and as safe as well.
    let is_worse = |(class, kind, place): &(String, String, String)| {
        class == "safe" && found.contains(&("dangerous".to_owned(), kind.clone(), place.clone()))
    };
    found.iter().filter(|one| !is_worse(one)).cloned().collect()
}

/// Kinds of breaking and dangerous changes with their numbers: what version 16 tells.
fn counted(found: impl Iterator<Item = (String, String)>) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for one in found.filter(|(class, _)| class != "safe") {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

#[test]
fn random_changes_are_classed_as_graphql_js_classes_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    assert!(
        folder.join("node_modules/graphql-17").exists(),
        "graphql-js is missing: npm ci --ignore-scripts --prefix tests/conformance (make test does it)"
    );
    let mut command = Command::new("node");
    command.arg("changes.js").current_dir(folder).env("NODE_ENV", "production");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut random = Rng::with_seed(20_261_126);
    let mut kinds = BTreeSet::new();
    for _ in 0..600 {
        let old = Sketch::random(&mut random);
        let mut new = old.clone();
        for _ in 0..1 + random.usize(..6) {
            new.change(&mut random);
        }
        let (old, new) = (old.text(), new.text());
        writeln!(input, "{}", json!([old, new])).unwrap();
        let mut line = String::new();
        assert!(output.read_line(&mut line).unwrap() > 0, "graphql-js gave up on\n{old}\n=>\n{new}");
        let [of_16, of_17]: [Value; 2] = serde_json::from_str(&line).unwrap();
        let changes = schema_changes(&old, &new).unwrap();
        assert_eq!(ours(&changes), theirs(&of_17), "\n{old}\n=>\n{new}");
        // It looks at neither the defaults of input fields nor the arguments of directives that stay.
        let known = |change: &&SchemaChange| {
            let directive = change.coordinate.starts_with('@') && change.kind.starts_with("ARG_");
            !directive && change.kind != "INPUT_FIELD_DEFAULT_VALUE_CHANGE" && compared(change.kind)
        };
        let ours = counted(
            changes.iter().filter(known).map(|change| (change.class.name().to_owned(), change.kind.to_owned())),
        );
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let listed = of_16.as_array().unwrap().iter().map(|change| (text(&change["class"]), text(&change["kind"])));
        assert_eq!(ours, counted(listed), "\n{old}\n=>\n{new}");
        kinds.extend(changes.iter().map(|change| change.kind));
    }
    drop(input);
    child.wait().unwrap();
    assert!(kinds.len() >= 26, "only {kinds:?} were seen");
}

#[test]
fn the_schema_has_no_changes_to_itself_and_a_type_that_goes_is_found_where_it_was() {
    for sdl in [api_sdl(true), federation_sdl(&FederationConfig::default(), true)] {
        assert_eq!(schema_changes(&sdl, &sdl).unwrap(), []);
    }
    let changes = schema_changes(&api_sdl(true), &api_sdl(false)).unwrap();
    let found: Vec<_> =
        changes.iter().map(|change| (change.class.name(), change.kind, change.coordinate.as_str())).collect();
    assert_eq!(
        found,
        [
            ("breaking", "ROOT_TYPE_REMOVED", "Mutation"),
            ("breaking", "TYPE_REMOVED", "Mutation"),
            ("breaking", "TYPE_REMOVED", "PermanentToken"),
        ]
    );
    let federated = federation_sdl(&FederationConfig::default(), false);
    let without_key = federated.replacen(" @key(fields: \"id\")", "", 1);
    assert_ne!(federated, without_key);
    let changes = schema_changes(&federated, &without_key).unwrap();
    assert_eq!((changes.len(), changes[0].kind), (1, "ENTITY_KEY_REMOVED"));
}

#[test]
fn the_command_prints_changes_in_three_forms_and_its_exit_code_is_for_ci() {
    let sdl = api_sdl(true);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    // The old schema had a field more, an argument less and an enum value less.
    let old = sdl.replacen("type PermanentToken {", "type PermanentToken {\n  gone: Int", 1);
    let (breaking, same) = (TempFile::new("old.graphql", &old), TempFile::new("same.graphql", &sdl));
    let dangerous = TempFile::new(
        "less.graphql",
        &sdl.replacen("enum LiveAvailability {", "enum LiveAvailability { AWAY }\nenum X {", 1),
    );
    let compare = |file: &TempFile, more: &[&str]| {
        let output = run(&[&["schema", "--compare", file.as_str()][..], more].concat(), &[]);
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(compare(&same, &[]), (0, "no changes\n".to_owned(), String::new()));
    let (code, out, _) = compare(&breaking, &[]);
    assert_eq!(code, 1);
    assert_eq!(out, "breaking (1)\n  PermanentToken.gone  FIELD_REMOVED\n    PermanentToken.gone was removed.\n");
    assert_eq!(compare(&breaking, &["--fail-on", "never"]).0, 0);
    let (code, out, _) = compare(&breaking, &["--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["counts"]), (1, &json!({ "breaking": 1, "dangerous": 0, "safe": 0 })));
    assert_eq!(json["changes"][0]["coordinate"], "PermanentToken.gone");
    let (_, out, _) = compare(&breaking, &["--format", "markdown"]);
    assert!(out.contains("| breaking | `PermanentToken.gone` | PermanentToken.gone was removed. |"), "{out}");
    assert_eq!(compare(&dangerous, &[]).0, 1);

    let added = sdl.replacen("  \"Available for live chat.\"\n  ONLINE\n", "", 1);
    let added = TempFile::new("added.graphql", &added);
    assert_eq!(compare(&added, &[]).0, 0, "{added:?}", added = added.as_str());
    assert_eq!(compare(&added, &["--fail-on", "dangerous"]).0, 1);

    let wrong = TempFile::new("wrong.graphql", "type {");
    let (code, _, err) = compare(&wrong, &[]);
    assert!(code == 2 && err.contains("the old schema cannot be read: line 1"), "{code} {err}");
    assert_eq!(compare(&same, &["--check", same.as_str()]).0, 2);
}
