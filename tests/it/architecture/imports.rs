//! The imports of the source files, read from their text: `use` declarations and paths in expressions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The path of a module or an item from the crate's root, such as `["graphql", "plan", "Plan"]`.
pub type ItemPath = Vec<String>;

/// A source file.
pub struct Source {
    /// Its path below `src`.
    pub path: String,
    pub text: String,
}

/// Every file below `src`.
pub fn sources() -> Vec<Source> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<Source>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                found.push(Source::new(name, &std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether the file is a `mod.rs`.
    pub fn is_front_page(&self) -> bool {
        self.path.ends_with("mod.rs")
    }

    /// The module of the crate that the file belongs to.
    pub fn stage(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    pub fn module(&self) -> ItemPath {
        let path = self.path.trim_end_matches(".rs");
        path.trim_end_matches("/mod").split('/').map(str::to_owned).collect()
    }

    /// The text without comment lines.
    pub fn code(&self) -> String {
        self.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    }

    /// The code without its `use` declarations.
    pub fn code_besides_uses(&self) -> String {
        let code = self.code();
        let rest = split_uses(&code).into_iter().step_by(2).collect::<String>();
        rest.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The names of the types that the file defines, those of its functions left out.
    pub fn types(&self) -> Vec<String> {
        let item = |line: &str| {
            let line = line.strip_prefix("pub").map_or(line, |rest| {
                let rest = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
                rest.trim_start()
            });
            let (keyword, rest) = line.split_once(' ')?;
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
            ["struct", "enum", "union", "trait", "type"].contains(&keyword).then(|| name.to_owned())
        };
        self.code().lines().filter_map(item).collect()
    }

    /// Everything of the crate that the file names.
    pub fn imports(&self) -> Vec<ItemPath> {
        let (mut trees, mut rest) = (Vec::new(), String::new());
        for (index, piece) in split_uses(&self.code()).into_iter().enumerate() {
            if index % 2 == 1 { trees.push(piece) } else { rest.push_str(&piece) }
        }
        let written = trees.iter().flat_map(|tree| expand(tree)).chain(paths(&rest));
        written.filter_map(|path| self.resolve(&path)).collect()
    }

    /// What the file re-exports from paths that begin at the crate's root or above the file.
    pub fn re_exports(&self) -> Vec<ItemPath> {
        let code = self.code();
        let public = code.split("\npub").skip(1).filter_map(|rest| {
            let rest = rest.strip_prefix('(').map_or(Some(rest), |rest| rest.split_once(')').map(|(_, rest)| rest))?;
            rest.strip_prefix(" use ")?.split_once(';').map(|(tree, _)| tree.to_owned())
        });
        public.flat_map(|tree| expand(&tree)).filter_map(|path| self.resolve(&path)).collect()
    }

    /// The public type aliases: for each its text, and the items that it stands for.
    pub fn aliases(&self) -> Vec<(String, Vec<ItemPath>)> {
        let code = self.code();
        let trees = split_uses(&code).into_iter().skip(1).step_by(2);
        let names: BTreeMap<String, ItemPath> = trees.flat_map(|tree| expand_named(&tree)).collect();
        let meant = |path: &str| {
            let mut path: ItemPath = path.split("::").map(str::to_owned).collect();
            if let Some(imported) = names.get(&path[0]) {
                path.splice(..1, imported.iter().cloned());
            }
            self.resolve(&path)
        };
        let public = code.split("\npub").skip(1).filter_map(|rest| {
            let rest = rest.strip_prefix('(').map_or(Some(rest), |rest| rest.split_once(')').map(|(_, rest)| rest))?;
            rest.strip_prefix(" type ")?.split_once(';')?.0.split_once('=').map(|(_, target)| target.trim().to_owned())
        });
        let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let items = |target: &String| {
            let paths = target.split(|c| !is_path(c)).filter(|path| !path.trim_matches(':').is_empty());
            paths.filter_map(|path| meant(path.trim_matches(':'))).collect()
        };
        public.map(|target| (target.clone(), items(&target))).collect()
    }

    /// The path from the crate's root; `None` for another crate's.
    fn resolve(&self, path: &[String]) -> Option<ItemPath> {
        match path.first()?.as_str() {
            "crate" | "flowmatix_graphql" => Some(path[1..].to_vec()).filter(|path| !path.is_empty()),
            "self" => Some([self.module(), path[1..].to_vec()].concat()),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                let module = self.module();
                let above = module.get(..module.len().checked_sub(up)?)?.to_vec();
                Some([above, path[up..].to_vec()].concat()).filter(|path| !path.is_empty())
            }
            _ => None,
        }
    }
}

/// Where items are defined.
pub struct Definitions {
    /// Every module that is a file.
    modules: BTreeSet<ItemPath>,
    /// Which file defines what a `mod.rs` re-exports: module and name to the file's module.
    exports: BTreeMap<(ItemPath, String), ItemPath>,
}

/// The definitions of all files.
pub fn definitions(sources: &[Source]) -> Definitions {
    let modules: BTreeSet<ItemPath> = sources.iter().map(Source::module).collect();
    let mut exports = BTreeMap::new();
    for source in sources.iter().filter(|source| source.is_front_page()) {
        for tree in split_uses(&source.code()).into_iter().skip(1).step_by(2) {
            for path in expand(&tree) {
                let whole = [source.module(), path.clone()].concat();
                if let (Some(file), Some(name)) = (module_of(&modules, &whole), path.last()) {
                    exports.insert((source.module(), name.clone()), file);
                }
            }
        }
    }
    Definitions { modules, exports }
}

impl Definitions {
    /// The file that defines an imported item, through re-exports; of a module that is imported as a whole, its own.
    pub fn file(&self, import: &[String]) -> Option<ItemPath> {
        let mut module = module_of(&self.modules, import)?;
        let Some(name) = import.get(module.len()).cloned() else { return Some(module) };
        while let Some(file) = self.exports.get(&(module.clone(), name.clone())) {
            module.clone_from(file);
        }
        Some(module)
    }
}

/// The longest beginning of the path that is a module with a file.
fn module_of(modules: &BTreeSet<ItemPath>, path: &[String]) -> Option<ItemPath> {
    (1..=path.len()).rev().map(|length| &path[..length]).find(|path| modules.contains(*path)).map(<[String]>::to_vec)
}

/// The text in pieces: every second piece is the tree of a `use` declaration.
fn split_uses(code: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let declaration = line.split_once("use ").filter(|(before, _)| {
            let before = before.trim();
            before.is_empty() || (before.starts_with("pub") && !before.trim_start_matches("pub(in ").contains(' '))
        });
        let Some((_, start)) = declaration else {
            let last = pieces.len() - 1;
            pieces[last].push_str(line);
            pieces[last].push('\n');
            continue;
        };
        let mut tree = start.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().unwrap_or(";"));
        }
        pieces.push(tree.split(';').next().unwrap_or_default().to_owned());
        pieces.push(String::new());
    }
    pieces
}

/// The paths of a `use` tree: `a::{b, c::d as e}` is `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<ItemPath> {
    expand_named(tree).into_iter().map(|(_, path)| path).collect()
}

/// The same with the names that they have in the file: `b` and `e`.
fn expand_named(tree: &str) -> Vec<(String, ItemPath)> {
    fn walk(prefix: &str, tree: &str, found: &mut Vec<(String, ItemPath)>) {
        let tree = tree.trim();
        let Some((base, inner)) = tree.split_once('{') else {
            let (path, alias) =
                tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
            if !path.is_empty() {
                let whole = format!("{prefix}{}", path.trim());
                let path: ItemPath = whole.trim_end_matches("::self").split("::").map(str::to_owned).collect();
                found.push((alias.or(path.last().map(String::as_str)).unwrap_or_default().to_owned(), path));
            }
            return;
        };
        let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    walk(&format!("{prefix}{base}"), &inner[start..at], found);
                    start = at + 1;
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    walk("", tree, &mut found);
    found
}

/// Paths in expressions and types that begin with `crate`, `super` or `self`.
fn paths(code: &str) -> Vec<ItemPath> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let path: String =
                code[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
            found.push(path.trim_end_matches(':').split("::").map(str::to_owned).collect());
        }
    }
    found
}
