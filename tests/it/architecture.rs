//! The picture in `src/lib.rs` is the law: who may import whom, who alone may mint a grant, and what every file begins with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each module of the crate, and those it may name.
const MAY_IMPORT: [(&str, &[&str]); 14] = [
    ("main", &["cli"]),
    ("lib", &[]),
    ("cli", &["app", "auth", "config", "demo", "graphql", "telemetry", "upstream"]),
    ("app", &["auth", "config", "graphql", "http", "loader", "model", "roster", "telemetry", "upstream"]),
    ("http", &["auth", "graphql", "config", "model", "telemetry"]),
    ("auth", &["config", "model", "telemetry"]),
    ("graphql", &["loader", "roster", "upstream", "config", "model", "telemetry"]),
    ("loader", &["roster", "upstream", "config", "model", "telemetry"]),
    ("roster", &["upstream", "config", "model", "telemetry"]),
    ("upstream", &["config", "model", "telemetry"]),
    ("demo", &["config"]),
    ("model", &[]),
    ("config", &[]),
    ("telemetry", &["config"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.into_iter().map(|(path, text)| (path.strip_prefix(&root).unwrap().to_owned(), text)).collect()
}

/// The module of the crate that a file belongs to.
fn module(path: &Path) -> String {
    path.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The modules of the crate that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let names = ["crate::", "flowmatix_graphql::"].into_iter().flat_map(|prefix| {
        code.split(prefix)
            .skip(1)
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
            .collect::<Vec<_>>()
    });
    names.filter(|name| MAY_IMPORT.iter().any(|(known, _)| known == name)).collect()
}

#[test]
fn a_module_names_only_its_neighbours_and_the_leaves() {
    let allowed: BTreeMap<_, _> = MAY_IMPORT.into_iter().collect();
    for (path, text) in sources() {
        let module = module(&path);
        let allowed = allowed.get(module.as_str()).unwrap_or_else(|| panic!("{module} is not on the map"));
        for name in named(&text) {
            assert!(name == module || allowed.contains(&name.as_str()), "{} names {name}", path.display());
        }
    }
}

#[test]
fn the_map_has_no_cycles() {
    let mut left: BTreeMap<&str, BTreeSet<&str>> =
        MAY_IMPORT.into_iter().map(|(module, names)| (module, names.iter().copied().collect())).collect();
    while !left.is_empty() {
        let free: Vec<_> = left.iter().filter(|(_, names)| names.is_empty()).map(|(module, _)| *module).collect();
        assert!(!free.is_empty(), "a cycle among {:?}", left.keys());
        for module in free {
            left.remove(module);
            left.values_mut().for_each(|names| {
                names.remove(module);
            });
        }
    }
}

#[test]
fn only_upstream_knows_the_http_client_and_only_graphql_the_engine() {
    let owners: [(&str, &[&str]); 5] = [
        // `auth` fetches the keys that JWTs are checked with.
        ("reqwest", &["upstream", "auth"]),
        // The batching dataloader is async-graphql's.
        ("async_graphql", &["graphql", "loader"]),
        ("moka", &["roster", "graphql"]),
        ("StatusCode", &["http", "upstream", "demo", "auth"]),
        ("governor", &["http"]),
    ];
    for (path, text) in sources() {
        for (name, owners) in owners {
            let used =
                text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("{name}::")));
            assert!(!used || owners.contains(&module(&path).as_str()), "{} uses {name}", path.display());
        }
    }
}

#[test]
fn only_auth_mints_grants() {
    for (path, text) in sources() {
        assert!(!text.contains("Grant::mint(") || module(&path) == "auth", "{}", path.display());
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_short() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{} does not say what it is", path.display());
        assert!(text.lines().count() <= 400, "{} is more than one idea", path.display());
        assert!(!["util", "common", "helpers", "types"].contains(&path.file_stem().unwrap().to_str().unwrap()));
    }
}
