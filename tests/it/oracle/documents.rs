//! Random valid operations, made from the schema's introspection, so that a new field or argument is covered without a change
//! here.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use flowmatix_graphql::graphql::{Engine, Reference, Request, Variables};
use flowmatix_graphql::model::Grants;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::world::Pools;

const INTROSPECTION: &str = "{ __schema { types { kind name possibleTypes { name } enumValues { name } \
    inputFields { name type { ...T } } fields { name type { ...T } args { name type { ...T } } } } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// Random numbers, from which choices are made; when they are used up, the first choice each time.
#[derive(Clone)]
pub struct Draw<'n> {
    numbers: &'n [u32],
}

impl<'n> Draw<'n> {
    pub fn new(numbers: &'n [u32]) -> Self {
        Self { numbers }
    }

    /// From 0 to `last`.
    pub fn up_to(&mut self, last: u32) -> u32 {
        let Some((first, rest)) = self.numbers.split_first() else { return 0 };
        self.numbers = rest;
        first % (last + 1)
    }

    pub fn one_in(&mut self, n: u32) -> bool {
        self.up_to(n - 1) == n - 1
    }

    fn pick<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.up_to(u32::try_from(list.len() - 1).unwrap()) as usize]
    }
}

/// A request.
#[derive(Debug)]
pub struct Case {
    pub document: String,
    pub operation_name: Option<String>,
    pub variables: Map<String, Value>,
    /// Whether the caller may read contact data.
    pub contact: bool,
    /// Whether it is tried without a store, too.
    pub cold: bool,
}

struct Field {
    name: String,
    kind: Kind,
    arguments: Vec<(String, Kind)>,
}

/// A type as written, and its name without brackets.
#[derive(Clone)]
struct Kind {
    text: String,
    name: String,
}

pub struct TypeSystem {
    fields: BTreeMap<String, Vec<Field>>,
    inputs: HashMap<String, Vec<(String, Kind)>>,
    enums: HashMap<String, Vec<String>>,
    unions: HashMap<String, Vec<String>>,
}

fn kind(value: &Value) -> Kind {
    let below = || kind(&value["ofType"]);
    match value["kind"].as_str().unwrap() {
        "NON_NULL" => Kind { text: format!("{}!", below().text), ..below() },
        "LIST" => Kind { text: format!("[{}]", below().text), ..below() },
        _ => {
            let name = value["name"].as_str().unwrap().to_owned();
            Kind { text: name.clone(), name }
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn name(value: &Value) -> String {
    value["name"].as_str().unwrap().to_owned()
}

fn named(values: &Value) -> Vec<(String, Kind)> {
    list(values).iter().map(|value| (name(value), kind(&value["type"]))).collect()
}

impl TypeSystem {
    pub async fn of(engine: &Engine, grants: Arc<dyn Grants>) -> Self {
        let request = Request {
            document: Reference { text: Some(INTROSPECTION.to_owned()), ..Reference::default() },
            operation_name: None,
            variables: Variables::default(),
            max_age: None,
            show_cost: false,
            trace: false,
            ticket: flowmatix_graphql::compute::Ticket::default(),
            queries_only: false,
            audit: None,
            grants,
        };
        let answer: Value = serde_json::from_slice(&engine.execute(request).await.body.into_vec()).unwrap();
        let mut types =
            Self { fields: BTreeMap::new(), inputs: HashMap::new(), enums: HashMap::new(), unions: HashMap::new() };
        for known in list(&answer["data"]["__schema"]["types"]) {
            let key = name(known);
            if key.starts_with("__") {
                continue;
            }
            match known["kind"].as_str().unwrap() {
                "OBJECT" => {
                    let field = |field: &Value| Field {
                        name: name(field),
                        kind: kind(&field["type"]),
                        arguments: named(&field["args"]),
                    };
                    types.fields.insert(key, list(&known["fields"]).iter().map(field).collect());
                }
                "INPUT_OBJECT" => {
                    types.inputs.insert(key, named(&known["inputFields"]));
                }
                "ENUM" => {
                    types.enums.insert(key, list(&known["enumValues"]).iter().map(name).collect());
                }
                "UNION" => {
                    types.unions.insert(key, list(&known["possibleTypes"]).iter().map(name).collect());
                }
                "INTERFACE" => {
                    let field = |field: &Value| Field {
                        name: name(field),
                        kind: kind(&field["type"]),
                        arguments: named(&field["args"]),
                    };
                    types.fields.insert(key.clone(), list(&known["fields"]).iter().map(field).collect());
                    types.unions.insert(key, list(&known["possibleTypes"]).iter().map(name).collect());
                }
                _ => {}
            }
        }
        assert!(!types.fields["Query"].is_empty(), "{answer}");
        types
    }

    /// A random operation.
    pub fn case(&self, draw: &mut Draw, pools: &Pools) -> Case {
        let mut writer = Writer::new(self, pools, draw);
        let body = writer.selection_set("Query", 0);
        let with_service = writer.draw.one_in(60);
        let body = if with_service { body.replacen('{', "{ _service { __typename }", 1) } else { body };
        let extra = writer.draw.one_in(12);
        let document = writer.document("Q", &body);
        let document = if extra { format!("{document} query Other {{ __typename }}") } else { document };
        let (contact, cold) = (!writer.draw.one_in(4), writer.draw.one_in(4));
        let variables = writer.given;
        Case { document, operation_name: Some("Q".to_owned()), variables, contact, cold }
    }

    /// A random selection of a team, as a query.
    pub fn team_case(&self, draw: &mut Draw, pools: &Pools) -> Case {
        let mut writer = Writer::new(self, pools, draw);
        let field = self.fields["Query"].iter().find(|field| field.name == "team").unwrap();
        let (_, arguments) = writer.key("Query", field);
        let body = format!("{{ team{arguments} {} }}", writer.selection_set("Team", 1));
        let document = writer.document("Q", &body);
        let contact = !writer.draw.one_in(4);
        let variables = writer.given;
        Case { document, operation_name: Some("Q".to_owned()), variables, contact, cold: false }
    }

    /// A random selection of members, in a document that `wrap` makes of it.
    pub fn member_case(&self, draw: &mut Draw, pools: &Pools, wrap: impl Fn(&str) -> String) -> Case {
        self.selection_case(("TeamMember", 5), draw, pools, wrap)
    }

    /// A random selection of a type, as if it were so deep in a document that `wrap` makes of it.
    pub fn selection_case(
        &self,
        (on, depth): (&str, usize),
        draw: &mut Draw,
        pools: &Pools,
        wrap: impl Fn(&str) -> String,
    ) -> Case {
        let mut writer = Writer::new(self, pools, draw);
        let selection = writer.selection_set(on, depth);
        let document = writer.document("Q", &wrap(&selection));
        let variables = writer.given;
        Case { document, operation_name: Some("Q".to_owned()), variables, contact: true, cold: false }
    }

    /// For each field of each type an operation that asks for it, and for as little as possible besides.
    pub fn every_field(&self, pools: &Pools) -> Vec<(String, Case)> {
        self.each_field(pools, |_, field| Some(field.to_owned()))
    }

    /// For each list an operation that asks for it, and the same one with a field that is no list in its place.
    pub fn every_list(&self, pools: &Pools) -> Vec<(String, Case, Case)> {
        let lists = self.each_field(pools, |field, text| field.kind.text.starts_with('[').then(|| text.to_owned()));
        let others =
            self.each_field(pools, |field, _| field.kind.text.starts_with('[').then(|| "__typename".to_owned()));
        lists.into_iter().zip(others).map(|((name, list), (_, other))| (name, list, other)).collect()
    }

    fn each_field(&self, pools: &Pools, write: impl Fn(&Field, &str) -> Option<String>) -> Vec<(String, Case)> {
        // How each type is come to: from the root, field by field.
        let mut ways: BTreeMap<&str, Vec<(&str, &Field)>> = BTreeMap::from([("Query", vec![])]);
        let mut order = vec!["Query"];
        let mut at = 0;
        while let Some(&on) = order.get(at) {
            at += 1;
            for field in &self.fields[on] {
                let targets = self.unions.get(&field.kind.name).cloned().unwrap_or(vec![field.kind.name.clone()]);
                for target in targets {
                    let Some((target, _)) = self.fields.get_key_value(&target) else { continue };
                    if !ways.contains_key(target.as_str()) {
                        let way = [ways[on].clone(), vec![(on, field)]].concat();
                        ways.insert(target, way);
                        order.push(target);
                    }
                }
            }
        }
        let mut cases = Vec::new();
        for (on, way) in &ways {
            for field in &self.fields[*on] {
                let mut numbers = Draw::new(&[]);
                let mut writer = Writer::new(self, pools, &mut numbers);
                let leaf = !self.fields.contains_key(&field.kind.name) && !self.unions.contains_key(&field.kind.name);
                let mut body = format!("{}{}", field.name, writer.required(field));
                body.push_str(if leaf { "" } else { " { __typename }" });
                let Some(mut body) = write(field, &body) else { continue };
                for (_, step) in way.iter().rev() {
                    body = format!("{}{} {{ {body} }}", step.name, writer.required(step));
                }
                let document = writer.document("Q", &format!("{{ {body} }}"));
                let variables = std::mem::take(&mut writer.given);
                let case = Case { document, operation_name: None, variables, contact: true, cold: false };
                cases.push((format!("{on}.{}", field.name), case));
            }
        }
        cases
    }
}

struct Writer<'t, 'd, 'n> {
    types: &'t TypeSystem,
    pools: &'t Pools,
    draw: &'d mut Draw<'n>,
    definitions: Vec<String>,
    given: Map<String, Value>,
    /// Fragments by the type that they are on.
    fragments: Vec<(String, String, String)>,
    /// The arguments that a field has under each of its keys: with others, two of a key would conflict.
    keys: HashMap<(String, String), Vec<(String, String)>>,
}

impl<'t, 'd, 'n> Writer<'t, 'd, 'n> {
    fn new(types: &'t TypeSystem, pools: &'t Pools, draw: &'d mut Draw<'n>) -> Self {
        Self {
            types,
            pools,
            draw,
            definitions: Vec::new(),
            given: Map::new(),
            fragments: Vec::new(),
            keys: HashMap::new(),
        }
    }

    fn document(&mut self, name: &str, body: &str) -> String {
        let definitions =
            if self.definitions.is_empty() { String::new() } else { format!("({})", self.definitions.join(", ")) };
        let mut text = format!("query {name}{definitions} {body}");
        for (name, on, body) in &self.fragments {
            let _ = write!(text, "\nfragment {name} on {on} {body}");
        }
        text
    }

    fn selection_set(&mut self, on: &str, depth: usize) -> String {
        let mut text = String::from("{");
        for _ in 0..=self.draw.up_to(if depth > 5 { 1 } else { 4 }) {
            text.push(' ');
            text.push_str(&self.selection(on, depth));
        }
        text.push_str(" }");
        text
    }

    fn selection(&mut self, on: &str, depth: usize) -> String {
        let union = self.types.unions.get(on).cloned();
        let choice = self.draw.up_to(11);
        let directives = if choice == 0 { String::new() } else { self.directives() };
        match choice {
            10 => {
                let (name, reuse) = match self.fragments.iter().find(|(_, known, _)| known == on) {
                    Some((name, ..)) if self.draw.one_in(2) => (name.clone(), true),
                    _ => (format!("F{}", self.fragments.len()), false),
                };
                if !reuse {
                    // Written before it is known to others: it must not spread itself.
                    let place = self.fragments.len();
                    self.fragments.push((name.clone(), "?".to_owned(), String::new()));
                    let body = self.selection_set(on, depth + 1);
                    self.fragments[place] = (name.clone(), on.to_owned(), body);
                }
                format!("...{name}{directives}")
            }
            9 => {
                let condition = if self.draw.one_in(2) { format!(" on {on}") } else { String::new() };
                format!("...{condition}{directives} {}", self.selection_set(on, depth + 1))
            }
            choice => match union {
                Some(_) if choice == 0 => self.type_name(""),
                Some(_) if choice < 3 && self.types.fields.contains_key(on) => self.field(on, depth, &directives),
                Some(types) => {
                    let on = self.draw.pick(&types).clone();
                    format!("... on {on}{directives} {}", self.selection_set(&on, depth + 1))
                }
                None if choice == 0 => {
                    let alias = if self.draw.one_in(3) { "typeName: " } else { "" };
                    self.type_name(alias)
                }
                None => self.field(on, depth, &directives),
            },
        }
    }

    fn type_name(&mut self, alias: &str) -> String {
        format!("{alias}__typename{}", self.directives())
    }

    fn field(&mut self, on: &str, depth: usize, directives: &str) -> String {
        let types = self.types;
        let composite =
            |field: &Field| types.fields.contains_key(&field.kind.name) || types.unions.contains_key(&field.kind.name);
        let fields: Vec<_> = types.fields[on]
            .iter()
            .filter(|field| field.name != "_service" && (depth < 8 || !composite(field)))
            .collect();
        if fields.is_empty() {
            return self.type_name("");
        }
        let field = *self.draw.pick(&fields);
        let (key, arguments) = self.key(on, field);
        let below = if composite(field) {
            format!(" {}", self.selection_set(&field.kind.name.clone(), depth + 1))
        } else {
            String::new()
        };
        format!("{key}{}{arguments}{directives}{below}", field.name)
    }

    /// An alias or none, and the arguments that go with it.
    fn key(&mut self, on: &str, field: &Field) -> (String, String) {
        let place = (on.to_owned(), field.name.clone());
        let known = self.keys.get(&place).cloned().unwrap_or_default();
        if !known.is_empty() && !self.draw.one_in(3) {
            return self.draw.pick(&known).clone();
        }
        let alias = if known.is_empty() {
            String::new()
        } else {
            format!("a{}: ", self.keys.values().map(Vec::len).sum::<usize>())
        };
        let mut arguments = Vec::new();
        for (name, kind) in &field.arguments {
            let required = kind.text.ends_with('!');
            // Two ends at once are an error, which is tried seldom enough.
            if required || self.draw.one_in(5) {
                arguments.push(format!("{name}: {}", self.argument(name, kind)));
            }
        }
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        let key = (alias, arguments);
        self.keys.entry(place).or_default().push(key.clone());
        key
    }

    /// The arguments that a field cannot be without.
    fn required(&mut self, field: &Field) -> String {
        let required = field.arguments.iter().filter(|(_, kind)| kind.text.ends_with('!'));
        let arguments: Vec<_> = required
            .map(|(name, kind)| {
                let value = self.value(name, kind, 0);
                format!("{name}: {}", self.literal(&value, kind))
            })
            .collect();
        if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) }
    }

    fn directives(&mut self) -> String {
        let mut text = String::new();
        for name in ["skip", "include"] {
            match self.draw.up_to(19) {
                17 => {
                    let variable =
                        self.variable("if", &Kind { text: "Boolean!".to_owned(), name: "Boolean".to_owned() });
                    let _ = write!(text, " @{name}(if: {variable})");
                }
                18 => {
                    let value = self.draw.one_in(2);
                    let _ = write!(text, " @{name}(if: {value})");
                }
                _ => {}
            }
        }
        text
    }

    fn argument(&mut self, name: &str, kind: &Kind) -> String {
        if self.draw.one_in(2) {
            return self.variable(name, kind);
        }
        let value = self.value(name, kind, 0);
        // A variable somewhere inside.
        if let Some(fields) = self.types.inputs.get(&kind.name)
            && let Value::Object(object) = &value
            && self.draw.one_in(3)
        {
            let mut parts = Vec::new();
            for (key, value) in object {
                let kind = &fields.iter().find(|(known, _)| known == key).unwrap().1;
                parts.push(match self.draw.one_in(2) {
                    true => format!("{key}: {}", self.variable(key, kind)),
                    false => format!("{key}: {}", self.literal(value, kind)),
                });
            }
            return format!("{{ {} }}", parts.join(", "));
        }
        self.literal(&value, kind)
    }

    /// A new variable of this type, given or not.
    fn variable(&mut self, name: &str, kind: &Kind) -> String {
        let variable = format!("v{}", self.definitions.len());
        let required = kind.text.ends_with('!');
        let stricter = if !required && self.draw.one_in(4) { "!" } else { "" };
        let default = if self.draw.one_in(3) {
            let value = self.value(name, kind, 0);
            format!(" = {}", self.literal(&value, kind))
        } else {
            String::new()
        };
        self.definitions.push(format!("${variable}: {}{stricter}{default}", kind.text));
        let wrong = self.draw.one_in(60);
        if wrong {
            let odd =
                [json!({ "bogus": 1 }), json!(1.5), json!([[null]]), Value::Null, json!("?"), json!(3_000_000_000_i64)];
            self.given.insert(variable.clone(), self.draw.pick(&odd).clone());
        } else if required || !stricter.is_empty() || !self.draw.one_in(3) {
            if default.is_empty() || !self.draw.one_in(3) {
                let value = self.value(name, kind, 0);
                self.given.insert(variable.clone(), value);
            }
        } else if self.draw.one_in(3) {
            self.given.insert(variable.clone(), Value::Null);
        }
        format!("${variable}")
    }

    /// A value of this type, for an argument or a field of that name.
    fn value(&mut self, name: &str, kind: &Kind, depth: usize) -> Value {
        if let Some(inner) = kind.text.strip_suffix('!') {
            return self.value(name, &Kind { text: inner.to_owned(), name: kind.name.clone() }, depth);
        }
        if let Some(inner) = kind.text.strip_prefix('[') {
            let inner = Kind { text: inner.trim_end_matches(']').to_owned(), name: kind.name.clone() };
            if self.draw.one_in(8) && kind.name != "_Any" {
                // One is a list of one.
                return self.value(name, &inner, depth);
            }
            let length = self.draw.up_to(if depth > 2 { 1 } else { 3 }).max(u32::from(kind.name == "_Any"));
            return (0..length).map(|_| self.value(name, &inner, depth + 1)).collect();
        }
        let pools = self.pools;
        match kind.name.as_str() {
            "Int" => json!(self.draw.pick(&[2, 1, 0, 3, 5, 1000, -1, 1001])),
            "Boolean" => json!(self.draw.one_in(2)),
            "ID" => json!(self.draw.pick(&pools.ids)),
            "String" if matches!(name, "after" | "before") => json!(self.draw.pick(&pools.cursors)),
            "String" => json!(self.draw.pick(&pools.texts)),
            "EmailAddress" => json!(self.draw.pick(&pools.emails)),
            "DateTime" => json!(self.draw.pick(&[
                "2024-04-26T17:10:22.134Z",
                "1969-12-31T23:59:59.001+01:00",
                "2030-01-01T00:00:00Z"
            ])),
            "_Any" => self.representation(),
            name if self.types.enums.contains_key(name) => json!(self.draw.pick(&self.types.enums[name])),
            name => {
                let mut object = Map::new();
                for (field, kind) in &self.types.inputs[name] {
                    let required = kind.text.ends_with('!');
                    let recursive = kind.name == name;
                    if required || (self.draw.one_in(5) && !(recursive && depth > 2)) {
                        let value = if !required && self.draw.one_in(8) {
                            Value::Null
                        } else {
                            self.value(field, kind, depth + 1)
                        };
                        object.insert(field.clone(), value);
                    }
                }
                Value::Object(object)
            }
        }
    }

    fn representation(&mut self) -> Value {
        let id = self.draw.pick(&self.pools.ids).clone();
        let account = json!({ "email": self.draw.pick(&self.pools.emails), "type": "CUSTOMER" });
        match self.draw.up_to(13) {
            0..=3 => json!({ "__typename": "TeamMember", "id": id }),
            4 | 5 => json!({ "__typename": "Role", "id": id }),
            6 | 7 => json!({ "__typename": "TeamMember", "id": id, "account": account }),
            8 => json!({ "__typename": "Role", "id": id, "account": account }),
            9 => json!({ "__typename": "Role", "id": id, "account": { "email": "?" } }),
            10 => json!({ "__typename": "Ship", "id": 7 }),
            11 => json!({ "__typename": "Team", "account": account }),
            12 => json!({ "__typename": "Team", "id": id }),
            _ => json!("not one"),
        }
    }

    fn literal(&self, value: &Value, kind: &Kind) -> String {
        match value {
            Value::Object(object) => {
                let fields = self.types.inputs.get(&kind.name);
                let any = Kind { text: "_Any".to_owned(), name: "_Any".to_owned() };
                let kind = |key: &str| {
                    let known = fields.and_then(|fields| fields.iter().find(|(known, _)| known == key));
                    known.map_or(&any, |(_, kind)| kind)
                };
                let parts: Vec<_> =
                    object.iter().map(|(key, value)| format!("{key}: {}", self.literal(value, kind(key)))).collect();
                format!("{{ {} }}", parts.join(", "))
            }
            Value::Array(list) => {
                let parts: Vec<_> = list.iter().map(|value| self.literal(value, kind)).collect();
                format!("[{}]", parts.join(", "))
            }
            Value::String(text) if self.types.enums.contains_key(&kind.name) => text.clone(),
            other => other.to_string(),
        }
    }
}
