//! The layout of the code, enforced: which stage imports which, no circles of files, no logic in a `mod.rs`, no re-export of
//! another stage's type, a header in every file.

mod imports;

use std::collections::{BTreeMap, BTreeSet};

use imports::{Source, sources};

/// Each module of the crate, and those it may import. A stage imports its next neighbour and the leaves.
const MAY_IMPORT: [(&str, &[&str]); 19] = [
    ("http", &["auth", "graphql", "compute", "config", "model", "telemetry"]),
    ("auth", &["config", "files", "model", "telemetry"]),
    ("graphql", &["loader", "compute", "config", "model", "telemetry"]),
    ("loader", &["roster", "config", "model", "telemetry"]),
    ("roster", &["upstream", "cluster", "compute", "config", "model", "telemetry"]),
    ("upstream", &["cluster", "compute", "config", "files", "model", "telemetry"]),
    ("cluster", &["config", "model", "telemetry"]),
    ("webhook", &["config", "model", "telemetry"]),
    ("compute", &["model", "telemetry"]),
    ("model", &[]),
    // Reading and watching.
    ("files", &["model"]),
    // The names of user types are the model's.
    ("config", &["files", "model"]),
    ("telemetry", &["config", "files", "model"]),
    // The composition root, the commands, and the upstream in a box.
    (
        "app",
        &[
            "auth",
            "cluster",
            "compute",
            "config",
            "files",
            "graphql",
            "http",
            "loader",
            "model",
            "roster",
            "telemetry",
            "upstream",
            "webhook",
        ],
    ),
    ("cli", &["app", "auth", "cluster", "config", "demo", "forecast", "graphql", "model", "telemetry", "upstream"]),
    // Arithmetic over plain data, for `plan` on the command line.
    ("forecast", &[]),
    ("demo", &["config", "model"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// The folders and files of `graphql`, which import each other in this direction only: each may import those after it.
const GRAPHQL_TOWER: [&str; 12] = [
    "schema_changes",
    "inspect",
    "execute",
    "plan",
    "language",
    "limits",
    "schema",
    "documents",
    "request_error",
    "error",
    "json",
    "first_map",
];

/// Circles of files that are meant: a member has a role, a role has members, and both have a team, which has them;
/// a list has groups by role.
const CIRCLES: [&[&str]; 1] = [&[
    "graphql/schema/connection",
    "graphql/schema/groups",
    "graphql/schema/role",
    "graphql/schema/team",
    "graphql/schema/team_member",
]];

/// Types of the schema that are named as what they show is in the model: the schema's names are interface, and the model has
/// no better ones.
const SCHEMA_TWINS: [&str; 6] = ["Account", "EmailAddress", "PermanentToken", "Role", "SkippedRow", "TeamMember"];

#[test]
fn a_stage_imports_its_neighbour_and_the_leaves_only() {
    let allowed: BTreeMap<_, _> = MAY_IMPORT.into_iter().collect();
    for source in sources() {
        let stage = source.stage();
        let may = allowed.get(stage).unwrap_or_else(|| panic!("{stage} is not in the table"));
        for import in source.imports() {
            let other = import[0].as_str();
            let fine = other == stage || may.contains(&other) || !allowed.contains_key(other);
            assert!(fine, "{} imports {}", source.path, import.join("::"));
        }
    }
}

#[test]
fn the_table_of_stages_has_no_circle() {
    let edges =
        MAY_IMPORT.into_iter().map(|(from, to)| (from.to_owned(), to.iter().map(|to| (*to).to_owned()).collect()));
    assert_eq!(circles(&edges.collect()), Vec::<Vec<String>>::new());
}

#[test]
fn the_folders_of_graphql_are_a_tower() {
    for source in sources().iter().filter(|source| source.stage() == "graphql") {
        let level = |name: &str| GRAPHQL_TOWER.iter().position(|folder| *folder == name);
        let Some(folder) = source.module().get(1).cloned() else { continue };
        let own = level(&folder).unwrap_or_else(|| panic!("{folder} is not in the tower"));
        for import in source.imports().iter().filter(|import| import[0] == "graphql") {
            if let Some(other) = import.get(1).and_then(|folder| level(folder)) {
                assert!(other >= own, "{} imports {}", source.path, import.join("::"));
            }
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let definitions = imports::definitions(&sources);
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_front_page()) {
        let own = source.module();
        let files = source.imports().into_iter().filter_map(|import| definitions.file(&import));
        let inside = files.filter(|file| *file != own && file[0] == own[0]).map(|file| file.join("/"));
        edges.insert(own.join("/"), inside.collect());
    }
    let mut found = circles(&edges);
    found.retain(|circle| !CIRCLES.iter().any(|meant| meant.iter().eq(circle.iter())));
    assert_eq!(found, Vec::<Vec<String>>::new());
}

#[test]
fn no_module_re_exports_another_stages_type() {
    for source in sources() {
        for import in source.re_exports() {
            assert_eq!(import[0], source.stage(), "{} re-exports {}", source.path, import.join("::"));
        }
    }
}

/// `pub type X = roster::Y` is a re-export, too. An alias of several types may name the model's, which are for all.
#[test]
fn no_alias_is_another_stages_type() {
    for source in sources() {
        for (target, items) in source.aliases() {
            for item in items {
                let whole = target.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
                let fine = item[0] == source.stage() || (item[0] == "model" && !whole);
                assert!(fine, "{} has an alias of {}", source.path, item.join("::"));
            }
        }
    }
}

/// Besides what it imports and re-exports, a `mod.rs` declares modules.
fn is_declaration(line: &str) -> bool {
    let rest = line.trim().strip_prefix("pub").map_or(line.trim(), |rest| match rest.trim_start().strip_prefix('(') {
        Some(inside) => inside.split_once(')').map_or("", |(_, rest)| rest),
        None => rest,
    });
    line.trim().is_empty() || line.starts_with('#') || (rest.trim().starts_with("mod ") && rest.ends_with(';'))
}

#[test]
fn a_mod_file_has_no_logic() {
    for source in sources().iter().filter(|source| source.is_front_page()) {
        for line in source.code_besides_uses().lines() {
            assert!(is_declaration(line), "{}: {line}", source.path);
        }
    }
    for line in ["", "#[cfg(unix)]", "mod a;", "pub mod a;", "pub(in crate::http) mod a;"] {
        assert!(is_declaration(line), "{line}");
    }
    let logic =
        ["async fn a() {}", "pub(in crate::http) fn a() {}", "named!(A);", "mod a {", "pub(crate) static A: u8 = 1;"];
    for line in logic {
        assert!(!is_declaration(line), "{line}");
    }
}

#[test]
fn libraries_stay_behind_their_stage() {
    let owners: [(&str, &[&str]); 8] = [
        ("redis", &["cluster"]),
        // `auth` fetches the keys that verify JWTs, the webhook posts, and `telemetry` sends traces.
        ("reqwest", &["upstream", "auth", "webhook", "telemetry"]),
        ("opentelemetry", &["telemetry"]),
        // The batching dataloader is async-graphql's.
        ("async_graphql", &["graphql", "loader"]),
        ("apollo_compiler", &["graphql"]),
        ("moka", &["roster", "graphql", "upstream"]),
        ("StatusCode", &["http", "upstream", "demo", "auth", "webhook"]),
        ("governor", &["http"]),
    ];
    for source in sources() {
        for (name, owners) in owners {
            let used = source.code().contains(&format!("{name}::"));
            assert!(!used || owners.contains(&source.stage()), "{} uses {name}", source.path);
        }
    }
}

/// A name is searched for without its module, so a file's private types count too. A type that a function defines for itself
/// does not: it is used nowhere but below its definition.
#[test]
fn no_type_name_is_defined_twice() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for name in source.types() {
            found.entry(name).or_default().push(source.path.clone());
        }
    }
    found.retain(|_, paths| paths.len() > 1);
    for name in SCHEMA_TWINS {
        let mut paths = found.remove(name).unwrap_or_else(|| panic!("{name} is no twin"));
        paths.sort_unstable();
        assert!(paths[0].starts_with("graphql/schema/") && paths[1].starts_with("model/"), "{name}: {paths:?}");
        assert_eq!(paths.len(), 2, "{name}: {paths:?}");
    }
    assert_eq!(found, BTreeMap::new());
}

#[test]
fn only_auth_creates_grants() {
    for source in sources() {
        assert!(!source.text.contains("Grant::mint(") || source.stage() == "auth", "{}", source.path);
    }
}

#[test]
fn every_file_has_a_header_and_one_idea() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "{} has no header", source.path);
        assert!(source.text.lines().count() <= 400, "{} is longer than 400 lines", source.path);
        let name = source.module().pop().unwrap_or_default();
        assert!(!["util", "common", "helpers", "types"].contains(&name.as_str()), "{}", source.path);
    }
}

/// Groups of nodes that reach each other, each sorted: nodes that are on a path back to themselves.
fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(node) = next.pop() {
            for to in edges.get(&node).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> = edges.keys().map(|node| (node, reached(node))).collect();
    let circle = |node: &String| {
        let back = |other: &&String| reach.get(*other).is_some_and(|seen| seen.contains(node));
        reach[node].iter().filter(back).cloned().collect::<Vec<_>>()
    };
    let groups: BTreeSet<Vec<String>> = edges.keys().map(circle).filter(|circle| !circle.is_empty()).collect();
    groups.into_iter().collect()
}

#[test]
fn a_circle_is_found() {
    let edge = |from: &str, to: &[&str]| (from.to_owned(), to.iter().map(|to| (*to).to_owned()).collect());
    let edges = [edge("a", &["b"]), edge("b", &["c"]), edge("c", &["b"]), edge("d", &["a"])].into_iter().collect();
    assert_eq!(circles(&edges), [["b", "c"]]);
    let source = Source::new(
        "graphql/plan/plan.rs",
        "//! x\nuse crate::roster::{Rosters, store::Store as S};\nuse super::a::B;\n",
    );
    let imports: Vec<String> = source.imports().iter().map(|import| import.join("::")).collect();
    assert_eq!(imports, ["roster::Rosters", "roster::store::Store", "graphql::plan::a::B"]);
    let text =
        "pub(super) struct A<'a>(&'a str);\nenum B {}\n/// type C\npub trait D: Send {\n    type E;\n}\ntype F = A;\n";
    assert_eq!(Source::new("x.rs", text).types(), ["A", "B", "D", "F"]);
}

#[test]
fn a_whole_module_counts_as_its_file() {
    let files = [
        Source::new("cluster/tier/link.rs", "//! x\nuse super::sentinel;\n"),
        Source::new("cluster/tier/sentinel.rs", "//! x\nuse super::link::Link;\n"),
    ];
    let definitions = imports::definitions(&files);
    let of =
        |source: &Source| source.imports().iter().filter_map(|import| definitions.file(import)).collect::<Vec<_>>();
    assert_eq!(of(&files[0]), [files[1].module()]);
    assert_eq!(of(&files[1]), [files[0].module()]);
}

#[test]
fn an_alias_is_seen_through() {
    let text = "//! x\nuse crate::roster::{Listener as L, Rosters};\npub type A = L;\npub(super) type B<T> = Vec<(Rosters, T)>;\n\
                pub type C = crate::upstream::Client;\ntype D = L;\n";
    let found = Source::new("loader/loader.rs", text).aliases();
    let items: Vec<_> = found.iter().flat_map(|(_, items)| items).map(|item| item.join("::")).collect();
    assert_eq!(items, ["roster::Listener", "roster::Rosters", "upstream::Client"]);
}
