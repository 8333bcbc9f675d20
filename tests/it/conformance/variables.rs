//! Generates argument values, the variables in them, and the JSON values of the variables.

use super::document::{Value, VariableDefinition};
use super::faults::Fault::*;
use super::generate::{Variable, Writer};
use super::types::Kind;
use super::values;

impl Writer<'_, '_> {
    /// A value of this type: a variable or a literal.
    pub(super) fn value(&mut self, kind: &Kind, depth: usize) -> Value {
        if self.fault(UndefinedVariable) {
            return Value::Variable(self.draw.word(&["undefined", "V1", "null"]));
        }
        let wants_variable = [OtherVariableType, NullableVariable, SameVariable, BadDefault, VariableInDefault];
        let eager = self.pending.iter().any(|fault| wants_variable.contains(fault));
        if self.draw.one_in(if eager { 2 } else { 3 }) {
            return Value::Variable(self.variable(kind));
        }
        self.literal(kind, depth, true)
    }

    /// A literal of this type, with variables in it if `variables`.
    fn literal(&mut self, kind: &Kind, depth: usize, variables: bool) -> Value {
        if self.fault(OtherLiteral) {
            return values::other_literal(kind.name(), self.draw);
        }
        match kind {
            Kind::NonNull(below) => self.literal(below, depth, variables),
            _ if self.draw.one_in(25) => Value::Token("null".to_owned()),
            Kind::List(below) => {
                if self.draw.one_in(6) {
                    return self.literal(below, depth + 1, variables);
                }
                let length = self.draw.below(if depth > 2 { 2 } else { 3 });
                let mut items: Vec<_> = (0..length).map(|_| self.inner(below, depth + 1, variables)).collect();
                if self.fault(NullInList) {
                    items.push(Value::Token("null".to_owned()));
                }
                if self.fault(NestedList) {
                    items = vec![Value::List(items)];
                }
                Value::List(items)
            }
            Kind::Named(name) => self.named_literal(name, depth, variables),
        }
    }

    fn inner(&mut self, kind: &Kind, depth: usize, variables: bool) -> Value {
        if variables { self.value(kind, depth) } else { self.literal(kind, depth, false) }
    }

    fn named_literal(&mut self, name: &str, depth: usize, variables: bool) -> Value {
        let Some(fields) = self.types.inputs.get(name) else { return self.leaf_literal(name, variables) };
        let mut object = Vec::new();
        for field in fields {
            let required = field.is_required() && !self.fault(MissingInputField);
            if required || self.draw.one_in(if depth > 2 { 12 } else { fields.len().min(5) }) {
                object.push((field.name.clone(), self.inner(&field.kind, depth + 1, variables)));
            }
        }
        if self.fault(UnknownInputField) {
            let name = self.draw.word(&["unknown", "eq", "Name", "__typename", "in"]);
            object.push((name, values::other_literal("", self.draw)));
        }
        if !object.is_empty() && self.fault(SameInputField) {
            let mut again = self.draw.pick(&object).clone();
            if self.draw.one_in(2) {
                again.1 = values::other_literal("", self.draw);
            }
            object.push(again);
        }
        Value::Object(object)
    }

    fn leaf_literal(&mut self, name: &str, variables: bool) -> Value {
        if self.fault(BadNumber) {
            return values::bad_number(self.draw);
        }
        if self.fault(BadString) {
            return values::bad_string(self.draw);
        }
        if matches!(name, "String" | "ID") && (self.fault(OddString) || self.draw.one_in(20)) {
            return values::odd_string(self.draw);
        }
        if self.types.enums.contains_key(name) && self.fault(UnknownEnumValue) {
            return Value::Token(self.draw.word(&["UNKNOWN", "active", "\"ACTIVE\"", "\"ASC\"", "0", "Name", "true"]));
        }
        if name == "_Any" {
            return self.representation(variables);
        }
        Value::Token(values::scalar_literal(self.types, name, self.draw))
    }

    /// A representation for `_entities`: an `_Any` value.
    fn representation(&mut self, variables: bool) -> Value {
        let kind = self.draw.word(&["\"TeamMember\"", "\"Role\"", "\"Unknown\"", "TeamMember", "5"]);
        let id = if variables && self.draw.one_in(3) {
            Value::Variable(self.variable(&Kind::Named("ID".to_owned())))
        } else {
            Value::Token(values::scalar_literal(self.types, "ID", self.draw))
        };
        let mut fields = vec![("__typename".to_owned(), Value::Token(kind)), ("id".to_owned(), id)];
        if self.draw.one_in(5) {
            fields.swap_remove(self.draw.below(2));
        }
        if self.draw.one_in(8) {
            Value::Token(values::scalar_literal(self.types, "ID", self.draw))
        } else {
            Value::Object(fields)
        }
    }

    /// The name of a variable that fits a position of this type, unless a fault says otherwise.
    fn variable(&mut self, kind: &Kind) -> String {
        let text = kind.to_string();
        let usable: Vec<_> = self.variables.iter().filter(|known| known.definition.kind == text).collect();
        if !usable.is_empty() && self.draw.one_in(2) {
            return self.draw.pick(&usable).definition.name.clone();
        }
        let mut declared = kind.clone();
        let mut wants_default = self.draw.one_in(6);
        if kind.is_required() && (self.fault(NullableVariable) || self.draw.one_in(20)) {
            declared = kind.nullable().clone();
            wants_default = self.draw.one_in(2);
        } else if !kind.is_required() && self.draw.one_in(5) {
            declared = Kind::NonNull(Box::new(kind.clone()));
        }
        let mut text = None;
        if self.fault(OtherVariableType) {
            declared = self.other_type(&declared);
        }
        if self.fault(UnknownVariableType) {
            text = Some(self.draw.word(&["Unknown", "[Unknown!]", "int", "Unknown!"]));
        }
        if self.fault(OutputVariableType) {
            text = Some(self.draw.word(&["TeamMember", "[Role!]", "Query!", "PageInfo"]));
        }
        let known = text.is_none().then(|| declared.clone());
        let kind = text.unwrap_or(declared.to_string());
        let number = self.variables.len();
        let name = match self.draw.below(12) {
            0 => self.draw.word(&["null", "true", "on", "query", "fragment", "_"]),
            _ => format!("v{number}"),
        };
        let name =
            if self.variables.iter().any(|known| known.definition.name == name) { format!("w{number}") } else { name };
        let default = self.default(&declared, wants_default);
        let description = self.description(30);
        let directives = self.misplaced();
        let definition = VariableDefinition { description, name: name.clone(), kind, default, directives };
        if self.fault(SameVariable) {
            let again =
                VariableDefinition { kind: self.draw.word(&[&definition.kind, "Int", "ID"]), ..definition.clone() };
            self.variables.push(Variable { definition: again, kind: known.clone() });
        }
        self.variables.push(Variable { definition, kind: known });
        name
    }

    /// The name of a variable for a condition that may be null: its default lets it stand where null may not.
    pub(super) fn nullable_condition(&mut self) -> String {
        let name = format!("c{}", self.variables.len());
        let default = Some(Value::Token(self.draw.word(&["true", "false"])));
        let (kind, description, directives) = (Kind::Named("Boolean".to_owned()), None, Vec::new());
        let definition =
            VariableDefinition { description, name: name.clone(), kind: kind.to_string(), default, directives };
        self.variables.push(Variable { definition, kind: Some(kind) });
        name
    }

    fn other_type(&mut self, kind: &Kind) -> Kind {
        match self.draw.below(5) {
            0 => Kind::List(Box::new(kind.clone())),
            1 => match kind.nullable() {
                Kind::List(below) => (**below).clone(),
                other => Kind::List(Box::new(Kind::List(Box::new(other.clone())))),
            },
            2 => match kind.nullable() {
                // A list with nullable items for one without.
                Kind::List(below) => Kind::List(Box::new(below.nullable().clone())),
                other => other.clone(),
            },
            _ => {
                let names: Vec<_> =
                    self.types.inputs.keys().chain(self.types.enums.keys()).chain(&self.types.scalars).collect();
                let named = Kind::Named(self.draw.pick(&names).to_string());
                if self.draw.one_in(2) { Kind::NonNull(Box::new(named)) } else { named }
            }
        }
    }

    fn default(&mut self, kind: &Kind, wanted: bool) -> Option<Value> {
        if self.fault(BadDefault) {
            return Some(match self.draw.below(3) {
                0 => Value::Token("null".to_owned()),
                _ => values::other_literal(kind.name(), self.draw),
            });
        }
        if self.fault(VariableInDefault) {
            return Some(match self.draw.below(2) {
                0 => Value::Variable("v0".to_owned()),
                _ => Value::List(vec![Value::Variable("v0".to_owned())]),
            });
        }
        wanted.then(|| self.literal(kind, 1, false))
    }

    /// Declares variables that no argument uses.
    pub(super) fn add_variables(&mut self) {
        if self.fault(UnusedVariable) {
            let kind = Kind::Named(self.draw.word(&["Int", "String", "TeamMemberFilter"]));
            self.variable(&kind);
        }
        if self.draw.one_in(2) {
            self.variables.reverse();
        }
    }

    /// The `variables` of the request.
    pub(super) fn given(&mut self) -> Option<Vec<(String, String)>> {
        let wrong = if self.draw.one_in(4) { 6 } else { 0 };
        let mut given = Vec::new();
        for variable in &self.variables {
            let name = &variable.definition.name;
            if given.iter().any(|(known, _)| known == name) {
                continue;
            }
            let required = variable.definition.kind.ends_with('!') && variable.definition.default.is_none();
            if !self.draw.one_in(if required { 30 } else { 4 }) {
                let value = match &variable.kind {
                    Some(kind) => values::json(self.types, kind, wrong, 0, self.draw),
                    None => values::any_json(self.draw),
                };
                given.push((name.clone(), value));
            }
        }
        if self.draw.one_in(10) {
            given.push(("unasked".to_owned(), values::any_json(self.draw)));
        }
        if given.is_empty() && self.draw.one_in(2) { None } else { Some(given) }
    }
}
