//! Random requests as trees over the whole schema, with random changes, printed with their variables.
//!
//! The schema is read from its SDL, so that a new field or argument is covered without a change here.

use std::collections::BTreeMap;

use async_graphql_parser::parse_schema;
use async_graphql_parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};
use fastrand::Rng;
use flowmatix_graphql::demo::ACCOUNTS;
use serde_json::{Map, Value, json};

/// What the SDL says.
pub struct Shapes {
    objects: BTreeMap<String, Vec<FieldShape>>,
    inputs: BTreeMap<String, Vec<(String, Type)>>,
    enums: BTreeMap<String, Vec<String>>,
}

struct FieldShape {
    name: String,
    arguments: Vec<(String, Type)>,
    kind: String,
}

/// A field with everything below it.
#[derive(Clone)]
pub struct Field {
    name: String,
    arguments: Vec<Argument>,
    below: Vec<Field>,
    /// The type that it is selected on, where that is not its parent's.
    on: Option<String>,
    kind: String,
}

#[derive(Clone)]
struct Argument {
    name: String,
    kind: Type,
    value: Value,
    /// Which of the request's variables it is; written in place without one.
    variable: Option<usize>,
}

/// A whole request.
#[derive(Clone)]
pub struct Tree {
    fields: Vec<Field>,
    /// Variables that stand inside written values, with their types.
    inner: Vec<(String, Value)>,
}

/// The only member of an object that stands for the inner variable of this number.
const INNER: &str = "$";

impl Shapes {
    pub fn read(sdl: &str) -> Self {
        let (mut objects, mut inputs, mut enums) =
            (BTreeMap::<_, Vec<FieldShape>>::new(), BTreeMap::new(), BTreeMap::new());
        for definition in parse_schema(sdl).unwrap().definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.into_iter().map(|field| FieldShape {
                        name: field.node.name.node.to_string(),
                        kind: concrete(&field.node.ty.node),
                        arguments: field
                            .node
                            .arguments
                            .into_iter()
                            .map(|argument| (argument.node.name.node.to_string(), argument.node.ty.node))
                            .collect(),
                    });
                    objects.entry(name).or_default().extend(fields);
                }
                TypeKind::InputObject(input) => {
                    let fields =
                        input.fields.into_iter().map(|field| (field.node.name.node.to_string(), field.node.ty.node));
                    inputs.insert(name, fields.collect());
                }
                TypeKind::Enum(kind) => {
                    enums
                        .insert(name, kind.values.into_iter().map(|value| value.node.value.node.to_string()).collect());
                }
                _ => {}
            }
        }
        // What the service adds for gateways, which not every printed schema has.
        let field = |name: &str, kind: &str| FieldShape { name: name.into(), arguments: vec![], kind: kind.into() };
        objects.entry("_Service".into()).or_insert_with(|| vec![field("sdl", "String")]);
        let any: Type = Type::new("[_Any!]!").unwrap();
        let query = objects.get_mut("Query").unwrap();
        if query.iter().all(|field| field.name != "_entities") {
            let arguments = vec![("representations".into(), any)];
            query.push(FieldShape { arguments, ..field("_entities", "_Entity") });
        }
        if query.iter().all(|field| field.name != "_service") {
            query.push(field("_service", "_Service"));
        }
        Self { objects, inputs, enums }
    }

    fn fields(&self, kind: &str, rng: &mut Rng) -> (Option<String>, &[FieldShape]) {
        if kind == "_Entity" {
            let on = *rng.choice(&["TeamMember", "Role"]).unwrap();
            return (Some(on.to_owned()), &self.objects[on]);
        }
        (None, self.objects.get(kind).map(Vec::as_slice).unwrap_or_default())
    }

    /// A request of a few fields.
    pub fn tree(&self, rng: &mut Rng) -> Tree {
        let fields = (0..rng.usize(1..3)).map(|_| self.field("Query", 0, rng)).collect();
        Tree { fields, inner: vec![] }
    }

    fn field(&self, parent: &str, depth: usize, rng: &mut Rng) -> Field {
        let (on, shapes) = self.fields(parent, rng);
        let leaf = |shape: &FieldShape| !self.objects.contains_key(&shape.kind) && shape.kind != "_Entity";
        let shapes: Vec<_> = shapes.iter().filter(|shape| depth < 6 || leaf(shape)).collect();
        let Some(shape) = rng.choice(&shapes) else {
            return Field { name: "__typename".into(), arguments: vec![], below: vec![], on, kind: "String".into() };
        };
        let mut arguments = Vec::new();
        for (name, kind) in &shape.arguments {
            let wanted = match name.as_str() {
                _ if !kind.nullable => true,
                "account" => rng.u8(..4) > 0,
                "first" => rng.bool(),
                "last" | "before" | "after" => rng.u8(..12) == 0,
                _ => rng.u8(..4) == 0,
            };
            if wanted {
                let variable = rng.bool().then(|| rng.usize(..4));
                arguments.push(Argument {
                    name: name.clone(),
                    kind: kind.clone(),
                    value: self.value(name, kind, 0, rng),
                    variable,
                });
            }
        }
        let below = if leaf(shape) {
            vec![]
        } else {
            (0..rng.usize(1..5)).map(|_| self.field(&shape.kind, depth + 1, rng)).collect()
        };
        Field { name: shape.name.clone(), arguments, below, on, kind: shape.kind.clone() }
    }

    /// A value of an argument or an input's field.
    fn value(&self, name: &str, kind: &Type, depth: usize, rng: &mut Rng) -> Value {
        let named = match &kind.base {
            BaseType::List(inner) => {
                let length = *rng.choice(&[0, 1, 1, 2, 3, 10, 60, 200, 999]).unwrap() >> (2 * depth).min(8);
                return (0..length).map(|_| self.value(name, inner, depth + 1, rng)).collect();
            }
            BaseType::Named(named) => named.as_str(),
        };
        if let Some(values) = self.enums.get(named) {
            return rng.choice(values).cloned().into();
        }
        if named == "AccountInput" {
            let account = rng.choice(ACCOUNTS).unwrap();
            return json!({ "email": account.email, "type": account.user_type });
        }
        if let Some(fields) = self.inputs.get(named) {
            let mut object = Map::new();
            for (name, kind) in fields {
                let nested = matches!(name.as_str(), "and" | "or" | "not");
                if !kind.nullable || (depth < if nested { 4 } else { 9 } && rng.usize(..fields.len()) < 3) {
                    object.insert(name.clone(), self.value(name, kind, depth + 1, rng));
                }
            }
            return object.into();
        }
        match named {
            "Int" if matches!(name, "first" | "last") => json!(rng.choice(&[0, 1, 10, 100, 1000]).unwrap()),
            "Int" => json!(rng.i32(..)),
            "Boolean" => json!(rng.bool()),
            "DateTime" => json!("2024-04-26T17:10:22.134Z"),
            "_Any" => {
                let account = rng.choice(ACCOUNTS).unwrap();
                json!({ "__typename": rng.choice(["TeamMember", "Role"]).unwrap(), "id": format!("{:024x}", rng.u64(..)),
                        "account": { "email": account.email, "type": account.user_type } })
            }
            _ => {
                let length = *rng.choice(&[0, 1, 2, 8, 24, 120, 256, 1000, 8000]).unwrap();
                let unit = *rng.choice(&["a", "7", "e", "ß", "İ", "\u{0301}", " ", "-", "\\", "😀"]).unwrap();
                json!(unit.repeat(length))
            }
        }
    }
}

fn concrete(kind: &Type) -> String {
    match &kind.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => concrete(inner),
    }
}

impl Tree {
    /// A copy with a few things changed.
    pub fn mutated(&self, shapes: &Shapes, rng: &mut Rng) -> Self {
        let mut tree = self.clone();
        let fields = &mut tree.fields;
        for _ in 0..rng.usize(1..4) {
            match rng.u8(..9) {
                0 => fields.push(shapes.field("Query", 0, rng)),
                // The same once more, or often.
                1 | 2 => {
                    let field = rng.choice(&*fields).unwrap().clone();
                    let times = *rng.choice(&[1, 4, 16, 60]).unwrap();
                    fields.extend(std::iter::repeat_n(field, times));
                }
                3 if fields.len() > 1 => drop(fields.swap_remove(rng.usize(..fields.len()))),
                4 => {
                    let kept = rng.usize(..fields.len());
                    fields.truncate(kept.max(1));
                }
                5 => {
                    let at = rng.usize(..fields.len());
                    mention(&mut fields[at], shapes, &mut tree.inner, rng);
                }
                _ => {
                    let at = rng.usize(..fields.len());
                    mutate(&mut fields[at], "Query", 0, shapes, rng);
                }
            }
        }
        tree
    }

    /// The request's body. `nonce` makes the document one that was never seen.
    pub fn body(&self, nonce: u64) -> String {
        let mut variables: BTreeMap<usize, (String, Value)> = BTreeMap::new();
        let mut text = String::new();
        for (n, field) in self.fields.iter().enumerate() {
            print(field, n, &mut text, &mut variables);
        }
        let whole = variables.into_iter().map(|(n, variable)| (format!("v{n}"), variable));
        // An unused variable would make the request invalid.
        let inner = self.inner.iter().enumerate().map(|(n, variable)| (format!("i{n}"), variable.clone()));
        let inner = inner.filter(|(name, _)| text.contains(&format!("${name} ")));
        let (mut declared, mut values) = (String::new(), Map::new());
        for (name, (kind, value)) in whole.chain(inner) {
            declared.push_str(&format!("${name}: {kind} "));
            values.insert(name, value);
        }
        let declared = if declared.is_empty() { declared } else { format!("({declared})") };
        json!({ "query": format!("query Q{nonce}{declared} {{ {text}}}"), "variables": values }).to_string()
    }
}

/// Puts a variable into an argument's value, for each item of a list or for a single value.
fn mention(field: &mut Field, shapes: &Shapes, inner: &mut Vec<(String, Value)>, rng: &mut Rng) {
    if field.arguments.is_empty() || (!field.below.is_empty() && rng.bool()) {
        if let Some(at) = (!field.below.is_empty()).then(|| rng.usize(..field.below.len())) {
            mention(&mut field.below[at], shapes, inner, rng);
        }
        return;
    }
    let at = rng.usize(..field.arguments.len());
    let argument = &mut field.arguments[at];
    argument.variable = None;
    put_inner(&mut argument.value, &argument.kind, shapes, inner, rng);
}

fn put_inner(value: &mut Value, kind: &Type, shapes: &Shapes, inner: &mut Vec<(String, Value)>, rng: &mut Rng) {
    match (&mut *value, &kind.base) {
        (Value::Array(list), BaseType::List(kind)) if !list.is_empty() => {
            if rng.bool() {
                let at = rng.usize(..list.len());
                return put_inner(&mut list[at], kind, shapes, inner, rng);
            }
            let mut item = list[0].clone();
            put_inner_here(&mut item, kind, inner);
            list.fill(item);
        }
        (Value::Object(members), BaseType::Named(name)) if !members.is_empty() && rng.u8(..4) > 0 => {
            let at = rng.usize(..members.len());
            let (member, below) = members.iter_mut().nth(at).unwrap();
            let Some((_, kind)) =
                shapes.inputs.get(name.as_str()).and_then(|fields| fields.iter().find(|(name, _)| name == member))
            else {
                return;
            };
            put_inner(below, kind, shapes, inner, rng);
        }
        _ => put_inner_here(value, kind, inner),
    }
}

fn put_inner_here(value: &mut Value, kind: &Type, inner: &mut Vec<(String, Value)>) {
    if !has_inner(value) {
        let variable = std::mem::replace(value, json!({ INNER: inner.len() }));
        inner.push((kind.to_string(), variable));
    }
}

/// A variable's value cannot have a variable in it.
fn has_inner(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(has_inner),
        Value::Object(members) => members.contains_key(INNER) || members.values().any(has_inner),
        _ => false,
    }
}

fn mutate(field: &mut Field, parent: &str, depth: usize, shapes: &Shapes, rng: &mut Rng) {
    match rng.u8(..6) {
        0 => *field = shapes.field(parent, depth, rng),
        1 | 2 if !field.arguments.is_empty() => {
            let at = rng.usize(..field.arguments.len());
            let argument = &mut field.arguments[at];
            if rng.bool() {
                argument.value = shapes.value(&argument.name, &argument.kind, 0, rng);
            } else {
                grow(&mut argument.value, rng);
            }
            argument.variable = (rng.bool() && !has_inner(&argument.value)).then(|| rng.usize(..4));
        }
        3 if !field.below.is_empty() => {
            let again = rng.choice(&field.below).unwrap().clone();
            field.below.push(again);
        }
        4 if !field.below.is_empty() => field.below.push(shapes.field(&field.kind, depth + 1, rng)),
        _ if !field.below.is_empty() => {
            let at = rng.usize(..field.below.len());
            let kind = field.kind.clone();
            mutate(&mut field.below[at], &kind, depth + 1, shapes, rng);
        }
        _ => *field = shapes.field(parent, depth, rng),
    }
}

/// Makes a value larger somewhere.
fn grow(value: &mut Value, rng: &mut Rng) {
    match value {
        Value::Array(list) if !list.is_empty() && rng.bool() => list.extend_from_within(..),
        Value::Array(list) if !list.is_empty() => {
            let at = rng.usize(..list.len());
            grow(&mut list[at], rng);
        }
        Value::Object(members) if !members.is_empty() => {
            let at = rng.usize(..members.len());
            grow(members.values_mut().nth(at).unwrap(), rng);
        }
        Value::String(text) => *text = text.repeat(2),
        _ => {}
    }
}

fn print(field: &Field, n: usize, text: &mut String, variables: &mut BTreeMap<usize, (String, Value)>) {
    if let Some(on) = &field.on {
        text.push_str(&format!("... on {on} {{ "));
    }
    // Equal leaves merge; what has arguments or a selection needs a name of its own.
    let alone = field.arguments.is_empty() && field.below.is_empty();
    text.push_str(&if n > 0 && !alone { format!("f{n}: {}", field.name) } else { field.name.clone() });
    if !field.arguments.is_empty() {
        text.push('(');
        for argument in &field.arguments {
            text.push_str(&format!("{}: ", argument.name));
            let kind = argument.kind.to_string();
            // The first value that takes a variable's place stays; one of another type is written in place.
            match argument
                .variable
                .map(|n| (n, variables.entry(n).or_insert_with(|| (kind.clone(), argument.value.clone()))))
            {
                Some((n, (known, _))) if *known == kind => text.push_str(&format!("$v{n} ")),
                _ => literal(&argument.value, text),
            }
            text.push(' ');
        }
        text.push(')');
    }
    if !field.below.is_empty() {
        text.push_str(" { ");
        for (n, field) in field.below.iter().enumerate() {
            print(field, n, text, variables);
        }
        text.push('}');
    }
    text.push(' ');
    if field.on.is_some() {
        text.push_str("} ");
    }
}

/// A value as GraphQL writes it. Names in capitals are taken for enum values, which no text here is.
fn literal(value: &Value, text: &mut String) {
    match value {
        Value::Array(list) => {
            text.push('[');
            list.iter().for_each(|value| {
                literal(value, text);
                text.push(' ');
            });
            text.push(']');
        }
        Value::Object(members) if members.contains_key(INNER) => text.push_str(&format!("$i{} ", members[INNER])),
        Value::Object(members) => {
            text.push('{');
            members.iter().for_each(|(name, value)| {
                text.push_str(&format!("{name}: "));
                literal(value, text);
                text.push(' ');
            });
            text.push('}');
        }
        Value::String(name) if name.len() > 1 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') => {
            text.push_str(name)
        }
        other => text.push_str(&other.to_string()),
    }
}
