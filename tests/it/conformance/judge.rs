//! Runs graphql-js in a child process: one line of JSON for each request, one for each pair of verdicts. It shares no code
//! with the service.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

/// The verdict of one version of graphql-js.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub phase: Phase,
    /// The validation rules that the document breaks.
    #[serde(default)]
    pub rules: Vec<String>,
    pub messages: Vec<String>,
    /// The fields whose arguments cannot be coerced.
    pub paths: Vec<Vec<Value>>,
    pub locations: Vec<(usize, usize)>,
    /// Fields with a null operator in a filter.
    #[serde(default)]
    pub null_operators: Vec<Vec<Value>>,
    /// Fields with page arguments that the schema refuses.
    #[serde(default)]
    pub pages: Vec<Vec<Value>>,
    /// Fields with a cursor.
    #[serde(default)]
    pub cursors: Vec<Vec<Value>>,
    /// Fields whose sort keys name a field twice.
    #[serde(default)]
    pub repeated_keys: Vec<Vec<Value>>,
    /// Whether any sort keys of the document do.
    #[serde(default)]
    pub repeats_key: bool,
    /// The operation with the values of its variables written into it.
    pub inlined: Option<String>,
    /// Fields with representations.
    #[serde(default)]
    pub representations: Vec<Vec<Value>>,
    /// The first place where the service's data differs from what graphql-js makes of the same values.
    pub difference: Option<Difference>,
    /// Other errors of graphql-js while it completes the service's data.
    #[serde(default)]
    pub others: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Syntax,
    Validation,
    Operation,
    Variables,
    /// A subscription is asked for where no stream is.
    Stream,
    Executed,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Difference {
    pub path: Vec<Value>,
    pub graphql: String,
    pub service: String,
}

pub struct Judge {
    child: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// The introspection of each schema.
    pub schemas: Value,
    /// The names of the rules that a document can break.
    pub rules: Vec<String>,
}

impl Judge {
    /// Starts the process with these schemas: name and SDL.
    pub fn start(schemas: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
        assert!(
            folder.join("node_modules/graphql-17").exists(),
            "graphql-js is missing: npm ci --ignore-scripts --prefix tests/conformance (make test does it)"
        );
        let mut command = Command::new("node");
        command.arg("judge.js").current_dir(folder).env("NODE_ENV", "production");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = BufWriter::new(child.stdin.take().unwrap());
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut judge = Self { child, input, output, schemas: Value::Null, rules: Vec::new() };
        let sdls: serde_json::Map<_, _> = schemas.iter().map(|(name, sdl)| ((*name).to_owned(), json!(sdl))).collect();
        judge.send(&json!({ "schemas": sdls }).to_string());
        let mut known: Value = serde_json::from_str(&judge.receive()).unwrap();
        judge.rules = serde_json::from_value(known["rules"].take()).unwrap();
        judge.schemas = known["schemas"].take();
        judge
    }

    fn send(&mut self, line: &str) {
        assert!(!line.contains('\n'));
        writeln!(self.input, "{line}").unwrap();
        self.input.flush().unwrap();
    }

    fn receive(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "the judge has ended");
        line
    }

    /// The verdicts of graphql-js 16 and 17 on requests, each given as its line.
    pub fn verdicts(&mut self, lines: &[String]) -> Vec<[Verdict; 2]> {
        let output = &mut self.output;
        let input = &mut self.input;
        std::thread::scope(|scope| {
            // Writes and reads at the same time, so that full pipes cannot block both processes.
            scope.spawn(move || {
                for line in lines {
                    writeln!(input, "{line}").unwrap();
                }
                input.flush().unwrap();
            });
            let read = |line: &String| {
                let mut answer = String::new();
                assert!(output.read_line(&mut answer).unwrap() > 0, "the judge has ended at {line}");
                serde_json::from_str(&answer).unwrap()
            };
            lines.iter().map(read).collect()
        })
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
