//! Sources: a file, the environment and flags, laid over the defaults in that order, with every mistake collected.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::renamed;
use super::root::{Config, Profile};
use crate::files;

/// The largest file of a configuration, or one that it is read with, in bytes.
pub const FILE_LIMIT: u64 = 64 << 20;
/// The similarity from which a known name is suggested for an unknown one.
const ALIKE: f64 = 0.75;

/// The sources of settings besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The environment; only names with the prefixes `FLOWMATIX_` and `OTEL_` are read.
    pub environment: Vec<(String, String)>,
    /// Flags, in the order of the command line.
    pub flags: Vec<Flag>,
    /// Whether the file must be a regular one: a pipe has nothing more when it is read again, and would wait for its writer.
    pub regular_file_only: bool,
}

/// A flag of the command line that sets a setting.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag as it was written, such as `--listen`.
    pub flag: String,
    /// The setting's path.
    pub path: String,
    /// Its text.
    pub value: String,
}

/// All mistakes of a configuration, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl From<Vec<String>> for Problems {
    fn from(problems: Vec<String>) -> Self {
        Self(problems)
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the configuration is not usable:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`Problems`] with every unknown name, invalid value and contradiction.
    pub fn load(profile: Profile, sources: &Sources) -> Result<Self, Problems> {
        let mut reader = SourceReader::new(Self::defaults(profile));
        reader.variables.clone_from(&sources.environment);
        let variables = sources.environment.iter();
        reader.config.otel = variables.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if let Some(path) = &sources.file {
            reader.file(path, sources.regular_file_only);
        }
        reader.environment(&sources.environment);
        for flag in &sources.flags {
            reader.set(&flag.path, &flag.value, &flag.flag);
        }
        reader.unknown_variables(&sources.environment);
        let contradictions = reader.contradictions(profile);
        reader.problems.extend(contradictions);
        if reader.problems.is_empty() { Ok(reader.config) } else { Err(Problems(reader.problems)) }
    }
}

impl Config {
    /// Checks a configuration that was changed after it was loaded.
    ///
    /// # Errors
    /// [`Problems`] with every contradiction.
    pub fn check(&self, profile: Profile) -> Result<(), Problems> {
        let problems = self.contradictions(profile);
        if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
    }

    /// Applies flags to a loaded configuration.
    ///
    /// # Errors
    /// [`Problems`] when a flag is invalid.
    pub fn follow(&mut self, flags: &[Flag]) -> Result<(), Problems> {
        let mut reader = SourceReader::new(self.clone());
        for flag in flags {
            reader.set(&flag.path, &flag.value, &flag.flag);
        }
        if !reader.problems.is_empty() {
            return Err(Problems(reader.problems));
        }
        *self = reader.config;
        Ok(())
    }
}

/// The text of a configuration, which may come through a pipe where it need not be a regular file.
fn read(path: &Path, regular_file_only: bool) -> Result<String, String> {
    let bytes = if regular_file_only {
        files::read(path, FILE_LIMIT)?
    } else {
        let file = std::fs::File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
        files::read_at_most(file, FILE_LIMIT)?
    };
    String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())
}

struct SourceReader {
    config: Config,
    /// The environment, for values that name a variable.
    variables: Vec<(String, String)>,
    /// The variables that they name.
    named: BTreeSet<String>,
    problems: Vec<String>,
    /// Whether the file could not be read.
    blind: bool,
}

impl SourceReader {
    fn new(config: Config) -> Self {
        Self { config, variables: Vec::new(), named: BTreeSet::new(), problems: Vec::new(), blind: false }
    }

    fn file(&mut self, path: &Path, regular_file_only: bool) {
        let name = path.display().to_string();
        let text = match read(path, regular_file_only) {
            Ok(text) => text,
            Err(problem) => {
                self.blind = true;
                return self.problems.push(format!("{name}: {problem}"));
            }
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                self.blind = true;
                let place = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
                return self.problems.push(format!("{name}: line {place}: {}", error.message()));
            }
        };
        for (section, value) in table {
            match value {
                toml::Value::Table(settings) => self.section(&section, &settings, &name),
                _ => self.unknown(&section, &name),
            }
        }
    }

    /// A section, and those below it.
    fn section(&mut self, section: &str, settings: &toml::Table, source: &str) {
        for (key, value) in settings {
            let path = format!("{section}.{key}");
            let below = self.config.sections().iter().any(|section| section.name() == path);
            match value {
                toml::Value::Table(settings) if below => self.section(&path, settings, source),
                value => self.toml(&path, value, source),
            }
        }
    }

    fn toml(&mut self, path: &str, value: &toml::Value, source: &str) {
        fn text(value: &toml::Value) -> Option<String> {
            Some(match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                _ => return None,
            })
        }
        let text = match value {
            toml::Value::Table(table) if table.contains_key("from_env") => return self.variable(path, table, source),
            toml::Value::Array(items) => {
                let known = self.config.settings().into_iter().find(|setting| setting.path == path);
                if let Some(setting) = known.filter(|setting| !setting.list) {
                    return self.problems.push(format!("{source}: {path}: expected {}, not a list", setting.shape));
                }
                let items = items.iter().map(text).collect::<Option<Vec<_>>>();
                // Joined with commas, such an item would become two, or none.
                let splits = |item: &String| item.trim().is_empty() || item.contains(',');
                if items.as_ref().is_some_and(|items| items.iter().any(splits)) {
                    return self.problems.push(format!("{source}: {path}: an item is empty, or has a comma in it"));
                }
                items.map(|items| items.join(","))
            }
            value => text(value),
        };
        match text {
            Some(text) => self.set(path, &text, source),
            None => self.problems.push(format!("{source}: {path}: expected a plain value or a list of them")),
        }
    }

    /// `{ from_env = "NAME", default = … }`: the variable's value, or the default where it is not set. Neither is shown: what
    /// stands in place of the name can be the secret itself.
    fn variable(&mut self, path: &str, table: &toml::Table, source: &str) {
        let name = table.get("from_env").and_then(toml::Value::as_str);
        let known = |key: &String| key == "from_env" || key == "default";
        let Some(name) = name.filter(|_| table.keys().all(known)) else {
            let problem = format!("{source}: {path}: expected {{ from_env = \"NAME\", default = … }}");
            return self.problems.push(problem);
        };
        self.named.insert(name.to_owned());
        let value = self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        match (value, table.get("default")) {
            (Some(value), _) => self.set(path, &value, source),
            (None, Some(toml::Value::Table(_))) => {
                self.problems
                    .push(format!("{source}: {path}: the default of from_env is a plain value or a list of them"));
            }
            (None, Some(default)) => self.toml(path, default, source),
            (None, None) => {
                let problem = "the environment variable that from_env names is not set, and there is no default";
                self.problems.push(format!("{source}: {path}: {problem}"));
            }
        }
    }

    fn environment(&mut self, variables: &[(String, String)]) {
        let settings = self.config.settings();
        for (name, value) in variables {
            if let Some(setting) = settings.iter().find(|setting| setting.variable() == *name) {
                self.set(&setting.path, value, name);
            }
        }
    }

    /// Reports variables with our prefix that are no settings. The variables that hold secrets may be called like settings, and
    /// any source may name them, so this comes last.
    fn unknown_variables(&mut self, variables: &[(String, String)]) {
        let secrets = [self.config.auth.credential_env.clone(), self.config.federation.secret_env.clone()];
        let names: BTreeSet<String> = self.config.settings().iter().map(super::Setting::variable).collect();
        for (name, _) in variables.iter().filter(|(name, _)| name.starts_with("FLOWMATIX_") && !names.contains(name)) {
            if self.named.contains(name) || secrets.iter().flatten().any(|secret| secret == name) {
                continue;
            }
            let problem = match renamed::new_variable(name) {
                Some(new) => format!("{name}: renamed to {new}"),
                None => format!("{name}: no such setting{}", nearest(name, names.iter().map(String::as_str))),
            };
            self.problems.push(problem);
        }
    }

    fn set(&mut self, path: &str, text: &str, source: &str) {
        match self.config.set(path, text) {
            None => self.unknown(path, source),
            Some(Err(expected)) => self.problems.push(format!("{source}: {path}: {expected}")),
            Some(Ok(())) => {}
        }
    }

    /// Contradictions between valid values; settings that are already reported are left out.
    fn contradictions(&self, profile: Profile) -> Vec<String> {
        if self.blind {
            return Vec::new();
        }
        let said = |name: &str| self.problems.iter().any(|problem| problem.contains(name));
        let settings = self.config.settings().into_iter();
        let doubtful: Vec<String> = settings
            .filter(|setting| said(&setting.path) || said(&setting.variable()))
            .map(|setting| setting.path)
            .collect();
        let mut contradictions = self.config.contradictions(profile);
        contradictions.retain(|contradiction| !doubtful.iter().any(|path| contradiction.contains(path)));
        contradictions
    }

    fn unknown(&mut self, path: &str, source: &str) {
        let settings = self.config.settings();
        let problem = match renamed::new_path(path) {
            Some(new) => format!("{source}: {path}: renamed to {new}"),
            None => {
                let hint = nearest(path, settings.iter().map(|setting| setting.path.as_str()));
                format!("{source}: {path}: no such setting{hint}")
            }
        };
        self.problems.push(problem);
    }
}

fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    known
        .map(|known| {
            // The whole name but for its last words, such as `_file`, is as good as one with a letter wrong.
            let is_beginning = known.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
            let alike = strsim::normalized_damerau_levenshtein(name, known);
            (if is_beginning { alike.max(ALIKE) } else { alike }, known)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| format!("; did you mean {known}?"))
        .unwrap_or_default()
}
