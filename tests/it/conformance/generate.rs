//! Generates random requests over the whole schema. A request gets zero to two faults, chosen beforehand; without one it is
//! valid, apart from a few natural conflicts.

use super::document::{Arguments, Directive, Field, Fragment, Selection, Value, VariableDefinition};
use super::draw::Draw;
use super::faults::Fault::{self, *};
use super::types::{Input, Kind, Types};
use super::{lexical, types, values};

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// `api` or `subgraph`.
    pub schema: &'static str,
    pub query: String,
    /// The JSON text of `operationName`.
    pub operation_name: Option<String>,
    /// The members of `variables` with their JSON texts; `None` leaves `variables` out.
    pub variables: Option<Vec<(String, String)>>,
}

impl Case {
    pub fn body(&self) -> String {
        let mut body = format!("{{\"query\":{}", serde_json::Value::from(self.query.as_str()));
        if let Some(name) = &self.operation_name {
            body.push_str(&format!(",\"operationName\":{name}"));
        }
        if let Some(variables) = &self.variables {
            let members: Vec<_> = variables.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            body.push_str(&format!(",\"variables\":{{{}}}", members.join(",")));
        }
        body.push('}');
        body
    }
}

/// A variable of the first operation.
pub(super) struct Variable {
    pub(super) definition: VariableDefinition,
    /// Its type, where that is an input type.
    pub(super) kind: Option<Kind>,
}

pub(super) struct Writer<'t, 'd> {
    pub(super) types: &'t Types,
    pub(super) draw: &'d mut Draw,
    /// Faults that are not yet in the document.
    pub(super) pending: Vec<Fault>,
    pub(super) variables: Vec<Variable>,
    pub(super) fragments: Vec<Fragment>,
    /// How many selections may still be added.
    pub(super) room: usize,
    pub(super) names: usize,
}

/// Generates a request.
pub fn case(types: &Types, schema: &'static str, draw: &mut Draw) -> Case {
    let faults = match draw.below(20) {
        0..=8 => 0,
        9..=16 => 1,
        _ => 2,
    };
    let pending = (0..faults).map(|_| Fault::draw(draw)).collect();
    let room = 4 + draw.below(16);
    let mut writer = Writer { types, draw, pending, variables: Vec::new(), fragments: Vec::new(), room, names: 0 };
    let document = writer.document();
    let variables = writer.given();
    let operation_name = writer.operation_name(&document);
    let mut tokens = document.tokens();
    if draw.one_in(14) {
        lexical::break_tokens(&mut tokens, draw);
    }
    let wild = draw.one_in(4);
    let mut query = lexical::write(&tokens, wild, draw);
    if draw.one_in(14) {
        lexical::break_characters(&mut query, draw);
    }
    Case { schema, query, operation_name, variables }
}

impl<'t> Writer<'t, '_> {
    /// Decides whether to insert this fault here.
    pub(super) fn fault(&mut self, fault: Fault) -> bool {
        let Some(place) = self.pending.iter().position(|pending| *pending == fault) else { return false };
        let now = self.draw.one_in(2);
        if now {
            self.pending.remove(place);
        }
        now
    }

    pub(super) fn fresh(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("{stem}{}", self.names)
    }

    pub(super) fn selection_set(&mut self, on: &str, depth: usize) -> Vec<Selection> {
        if self.fault(EmptySelection) {
            return Vec::new();
        }
        let mut set: Vec<_> = (0..1 + self.draw.below(4)).map(|_| self.selection(on, depth)).collect();
        let twice = self.pending.contains(&SameResponseKey) && self.draw.one_in(2);
        if twice || self.draw.one_in(20) {
            self.pending.retain(|fault| !twice || *fault != SameResponseKey);
            self.repeat(on, &mut set, depth);
        }
        set
    }

    fn selection(&mut self, on: &str, depth: usize) -> Selection {
        self.room = self.room.saturating_sub(1);
        let is_union = self.types.unions.contains_key(on);
        match self.draw.below(16) {
            0 => self.type_name(),
            1 | 2 => self.inline_fragment(on, depth),
            3 | 4 => self.spread(on, depth),
            _ if is_union => self.inline_fragment(on, depth),
            _ => self.field(on, depth),
        }
    }

    pub(super) fn type_name(&mut self) -> Selection {
        let alias = match self.draw.below(30) {
            0..8 => Some(self.draw.word(&["typeName", "t", "__t"])),
            8 => Some(self.draw.word(&["id", "name", "on"])),
            _ => None,
        };
        let directives = self.directives();
        Selection::Field(Field { alias, name: "__typename".to_owned(), arguments: Vec::new(), directives, below: None })
    }

    /// A type condition that can apply to a value of the type `on`, unless it is to be wrong.
    fn condition(&mut self, on: &str) -> String {
        if self.fault(UnknownFragmentType) {
            return self.draw.word(&["Unknown", "teamMember", "TeamMembers", "Subscription"]);
        }
        if self.fault(FragmentOnLeaf) {
            return self.draw.word(&["String", "ID", "UserType", "TeamMemberFilter", "DateTime"]);
        }
        if self.fault(ImpossibleFragment) {
            let names: Vec<_> = self.types.objects.keys().chain(self.types.unions.keys()).collect();
            return self.draw.pick(&names).to_string();
        }
        let mut possible = self.types.possible(on);
        for (union, members) in &self.types.unions {
            if members.iter().any(|member| possible.contains(member)) {
                possible.push(union.clone());
            }
        }
        self.draw.pick(&possible).clone()
    }

    /// The type whose fields are selected inside a condition; the condition's type may not exist.
    fn known(&self, condition: &str, on: &str) -> String {
        if self.types.is_composite(condition) { condition.to_owned() } else { on.to_owned() }
    }

    fn inline_fragment(&mut self, on: &str, depth: usize) -> Selection {
        let condition = (self.types.unions.contains_key(on) || !self.draw.one_in(3)).then(|| self.condition(on));
        let inside = condition.as_ref().map_or(on.to_owned(), |condition| self.known(condition, on));
        let directives = self.directives();
        let below = if self.room == 0 { vec![self.type_name()] } else { self.selection_set(&inside, depth + 1) };
        Selection::Inline { on: condition, directives, below }
    }

    fn spread(&mut self, on: &str, depth: usize) -> Selection {
        let directives = self.directives();
        if self.fault(UnknownFragment) {
            let name = self.draw.word(&["Unknown", "TeamMember", "f1", "__typename"]);
            return Selection::Spread { name, directives };
        }
        let usable: Vec<_> =
            self.fragments.iter().filter(|known| known.on == on).map(|known| known.name.clone()).collect();
        if self.fault(FragmentCycle) || (!usable.is_empty() && self.draw.one_in(2)) {
            // While a cycle is wanted, the fragment that is being written is among them.
            if !usable.is_empty() {
                return Selection::Spread { name: self.draw.pick(&usable).clone(), directives };
            }
        }
        let name = if self.fault(FragmentCalledOn) { "on".to_owned() } else { self.fresh("F") };
        let condition = self.condition(on);
        self.fragment(name.clone(), condition, on, depth);
        if self.fault(SameFragmentName) {
            self.fragment(name.clone(), on.to_owned(), on, depth);
        }
        Selection::Spread { name, directives }
    }

    /// Writes a fragment definition.
    pub(super) fn fragment(&mut self, name: String, on: String, parent: &str, depth: usize) {
        let inside = self.known(&on, parent);
        let description = self.description(6);
        let cycle = self.pending.contains(&FragmentCycle);
        let directives = self.misplaced();
        let mut fragment = Fragment { description, name, on, directives, below: Vec::new() };
        let place = self.fragments.len();
        if cycle {
            self.fragments.push(fragment.clone());
        }
        fragment.below = if self.room == 0 { vec![self.type_name()] } else { self.selection_set(&inside, depth + 1) };
        if cycle && self.draw.one_in(2) {
            let spread = Selection::Spread { name: fragment.name.clone(), directives: Vec::new() };
            fragment.below.push(spread);
            self.pending.retain(|fault| *fault != FragmentCycle);
        }
        if cycle {
            self.fragments[place] = fragment;
        } else {
            self.fragments.push(fragment);
        }
    }

    pub(super) fn field(&mut self, on: &str, depth: usize) -> Selection {
        let fields = &self.types.objects[on];
        let leaf = |field: &&types::Field| !self.types.is_composite(field.kind.name());
        let is_rare = |field: &types::Field| field.name.starts_with("__") || field.name == "_service";
        let choice: Vec<_> = if self.room == 0 || depth > 6 {
            fields.iter().filter(leaf).collect()
        } else {
            let rare = self.draw.one_in(30);
            fields.iter().filter(|field| rare || !is_rare(field)).collect()
        };
        if choice.is_empty() {
            return self.type_name();
        }
        let field = (*self.draw.pick(&choice)).clone();
        // Nested lists of types make long answers.
        let depth = if on.starts_with("__") { depth + 2 } else { depth };
        self.field_of(&field, depth)
    }

    pub(super) fn field_of(&mut self, field: &types::Field, depth: usize) -> Selection {
        let mut arguments = self.arguments(&field.arguments);
        let mut name = field.name.clone();
        if self.fault(UnknownField) {
            name = self.draw.word(&[
                "unknown",
                "nam",
                "__type",
                "__schema",
                "_service",
                "nodes",
                "id",
                "teamMember",
                "__typenam",
                "NAME",
            ]);
        }
        if self.fault(UnknownArgument) {
            let name = self.draw.word(&["unknown", "first", "id", "if", "name", "First"]);
            arguments.push((name, values::other_literal("", self.draw)));
        }
        let alias = if !arguments.is_empty() && self.draw.one_in(2) {
            Some(self.fresh("a"))
        } else {
            self.draw
                .one_in(14)
                .then(|| self.draw.word(&["a", "b", "id", "name", "__a", "query", "on", "fragment", "null", "true"]))
        };
        let directives = self.directives();
        let composite = self.types.is_composite(field.kind.name());
        let below = match composite {
            true if self.fault(NoSelectionOnComposite) => None,
            true => Some(self.selection_set(field.kind.name(), depth + 1)),
            false if self.fault(SelectionOnLeaf) => Some(vec![self.type_name()]),
            false => None,
        };
        Selection::Field(Field { alias, name, arguments, directives, below })
    }

    pub(super) fn arguments(&mut self, known: &[Input]) -> Arguments {
        let mut arguments = Vec::new();
        for input in known {
            let required = input.is_required() && !self.fault(MissingArgument);
            if !required && !self.draw.one_in(4) {
                continue;
            }
            let null = (required && self.fault(NullArgument)) || (!input.kind.is_required() && self.draw.one_in(15));
            let value = if null { Value::Token("null".to_owned()) } else { self.value(&input.kind, 0) };
            arguments.push((input.name.clone(), value));
        }
        if !arguments.is_empty() && self.fault(SameArgument) {
            let again = self.draw.pick(&arguments).clone();
            arguments.push(again);
        }
        arguments
    }

    pub(super) fn directives(&mut self) -> Vec<Directive> {
        let mut directives = Vec::new();
        if self.draw.one_in(12) {
            let name = self.draw.word(&["skip", "include"]);
            directives.push(self.directive(&name));
        }
        if self.fault(UnknownDirective) {
            let name = self.draw.word(&["unknown", "Skip", "defer", "stream", "key", "tag", "if", "on"]);
            directives.push(Directive { name, arguments: Vec::new() });
        }
        if self.fault(MisplacedDirective) {
            let name = self.draw.word(&["deprecated", "specifiedBy", "oneOf"]);
            directives.push(self.directive(&name));
        }
        if self.fault(SameDirective) {
            let name = self.draw.word(&["skip", "include"]);
            directives.push(self.directive(&name));
            directives.push(self.directive(&name));
        }
        directives
    }

    /// A directive in a location where it is not allowed, now and then.
    pub(super) fn misplaced(&mut self) -> Vec<Directive> {
        if self.fault(MisplacedDirective) || self.draw.one_in(150) {
            let name = self.draw.word(&["skip", "include", "deprecated"]);
            return vec![self.directive(&name)];
        }
        Vec::new()
    }

    fn directive(&mut self, name: &str) -> Directive {
        let known = self.types.directives.iter().find(|directive| directive.name == name).cloned();
        let mut arguments = known.map_or_else(Vec::new, |known| self.arguments(&known.arguments));
        if let [(_, condition)] = &mut *arguments
            && self.draw.one_in(8)
        {
            *condition = Value::Variable(self.nullable_condition());
        }
        if self.fault(UnknownArgument) {
            arguments.push(("unless".to_owned(), Value::Token("true".to_owned())));
        }
        Directive { name: name.to_owned(), arguments }
    }

    pub(super) fn description(&mut self, rarity: usize) -> Option<String> {
        self.draw.one_in(rarity).then(|| {
            self.draw.word(&["\"what it does\"", "\"\"\"\n  what it\n  does\n\"\"\"", "\"\"", "\"\\u{1F600}\""])
        })
    }
}
