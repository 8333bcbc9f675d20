//! The schema in the form that the generator needs. graphql-js makes the introspection of the printed SDL; this reads it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// A type reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Named(String),
    List(Box<Kind>),
    NonNull(Box<Kind>),
}

impl Kind {
    fn read(value: &Value) -> Self {
        let below = || Box::new(Self::read(&value["ofType"]));
        match value["kind"].as_str().unwrap() {
            "NON_NULL" => Self::NonNull(below()),
            "LIST" => Self::List(below()),
            _ => Self::Named(name(value)),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::List(below) | Self::NonNull(below) => below.name(),
        }
    }

    pub fn is_required(&self) -> bool {
        matches!(self, Self::NonNull(_))
    }

    /// The same type, where null is allowed.
    pub fn nullable(&self) -> &Self {
        match self {
            Self::NonNull(below) => below,
            other => other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::List(below) => write!(f, "[{below}]"),
            Self::NonNull(below) => write!(f, "{below}!"),
        }
    }
}

/// An argument, or a field of an input object.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: String,
    pub kind: Kind,
    pub has_default: bool,
}

impl Input {
    pub fn is_required(&self) -> bool {
        self.kind.is_required() && !self.has_default
    }
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub arguments: Vec<Input>,
}

#[derive(Clone, Debug)]
pub struct Directive {
    pub name: String,
    pub arguments: Vec<Input>,
}

#[derive(Default)]
pub struct Types {
    /// The fields of each object type; `Query` has the introspection fields, too.
    pub objects: BTreeMap<String, Vec<Field>>,
    /// The object types of each union and interface.
    pub unions: BTreeMap<String, Vec<String>>,
    pub inputs: BTreeMap<String, Vec<Input>>,
    pub enums: BTreeMap<String, Vec<String>>,
    pub scalars: Vec<String>,
    pub directives: Vec<Directive>,
}

fn name(value: &Value) -> String {
    value["name"].as_str().unwrap().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn inputs(value: &Value) -> Vec<Input> {
    let input = |value: &Value| Input {
        name: name(value),
        kind: Kind::read(&value["type"]),
        has_default: value["defaultValue"].is_string(),
    };
    list(value).iter().map(input).collect()
}

impl Types {
    pub fn read(introspection: &Value) -> Self {
        let mut types = Self::default();
        let schema = &introspection["__schema"];
        for known in list(&schema["types"]) {
            let key = name(known);
            let names = |list_of: &Value| list(list_of).iter().map(name).collect();
            match known["kind"].as_str().unwrap() {
                "OBJECT" => {
                    let field = |field: &Value| Field {
                        name: name(field),
                        kind: Kind::read(&field["type"]),
                        arguments: inputs(&field["args"]),
                    };
                    types.objects.insert(key, list(&known["fields"]).iter().map(field).collect());
                }
                "INPUT_OBJECT" => {
                    types.inputs.insert(key, inputs(&known["inputFields"]));
                }
                "ENUM" => {
                    types.enums.insert(key, names(&known["enumValues"]));
                }
                "UNION" | "INTERFACE" => {
                    types.unions.insert(key, names(&known["possibleTypes"]));
                }
                _ => types.scalars.push(key),
            }
        }
        let directive = |value: &Value| Directive { name: name(value), arguments: inputs(&value["args"]) };
        types.directives = list(&schema["directives"]).iter().map(directive).collect();
        let named = |name: &str| Kind::Named(name.to_owned());
        let required = |name: &str| Kind::NonNull(Box::new(named(name)));
        let argument = Input { name: "name".to_owned(), kind: required("String"), has_default: false };
        types.objects.get_mut("Query").unwrap().extend([
            Field { name: "__schema".to_owned(), kind: required("__Schema"), arguments: Vec::new() },
            Field { name: "__type".to_owned(), kind: named("__Type"), arguments: vec![argument] },
        ]);
        types
    }

    pub fn is_composite(&self, name: &str) -> bool {
        self.objects.contains_key(name) || self.unions.contains_key(name)
    }

    /// The object types that a value of this composite type can have.
    pub fn possible(&self, name: &str) -> Vec<String> {
        self.unions.get(name).cloned().unwrap_or_else(|| vec![name.to_owned()])
    }
}
