//! Generates further selections with a response key that is already in use: some can be merged, others conflict.

use super::document::{Field, Fragment, Selection, Value};
use super::generate::Writer;

impl Writer<'_, '_> {
    /// Repeats a selection with a small change, in the same set or in a fragment.
    pub(super) fn repeat(&mut self, on: &str, set: &mut Vec<Selection>, depth: usize) {
        let fields: Vec<_> =
            set.iter().filter_map(|one| if let Selection::Field(field) = one { Some(field) } else { None }).collect();
        if let Some(members) = self.types.unions.get(on) {
            return self.repeat_over(&members.clone(), set);
        }
        if fields.is_empty() {
            return;
        }
        let mut again = (*self.draw.pick(&fields)).clone();
        let key = again.alias.clone().unwrap_or(again.name.clone());
        let known =
            self.types.objects.get(on).and_then(|fields| fields.iter().find(|field| field.name == again.name)).cloned();
        match (self.draw.below(8), known) {
            (0, Some(known)) => again.arguments = self.arguments(&known.arguments),
            (1, _) => {
                again.arguments.pop();
            }
            (2, _) if self.types.objects.contains_key(on) => {
                if let Selection::Field(other) = self.field(on, depth + 1) {
                    again = Field { alias: Some(key), ..other };
                }
            }
            (3 | 4, Some(known)) if self.types.is_composite(known.kind.name()) => {
                again.below = Some(self.selection_set(known.kind.name(), depth + 1));
            }
            (5, _) => again.arguments.reverse(),
            (6 | 7, _) => again.arguments.iter_mut().for_each(|(_, value)| rewrite(value)),
            _ => {}
        }
        again.directives = self.directives();
        let again = Selection::Field(again);
        match self.draw.below(4) {
            0 => {
                let on = self.draw.one_in(2).then(|| on.to_owned());
                set.push(Selection::Inline { on, directives: Vec::new(), below: vec![again] });
            }
            1 => {
                let name = self.fresh("F");
                let (on, directives) = (on.to_owned(), Vec::new());
                self.fragments.push(Fragment {
                    description: None,
                    name: name.clone(),
                    on,
                    directives,
                    below: vec![again],
                });
                set.insert(self.draw.below(set.len() + 1), Selection::Spread { name, directives: Vec::new() });
            }
            _ => set.insert(self.draw.below(set.len() + 1), again),
        }
    }

    /// Selects fields of several types under one key: their values must have the same shape.
    fn repeat_over(&mut self, members: &[String], set: &mut Vec<Selection>) {
        for on in members {
            let fields = self.types.objects[on].clone();
            let field = self.draw.pick(&fields);
            let mut again = self.field_of(field, 6);
            if let Selection::Field(field) = &mut again {
                field.alias = Some("same".to_owned());
            }
            set.push(Selection::Inline { on: Some(on.clone()), directives: Vec::new(), below: vec![again] });
        }
    }
}

/// Changes the notation of a value: the order of fields, and strings into block strings.
fn rewrite(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.reverse();
            fields.iter_mut().for_each(|(_, value)| rewrite(value));
        }
        Value::List(items) => items.iter_mut().for_each(rewrite),
        Value::Token(token) => {
            let is_plain = |inner: &&str| inner.chars().all(|c| c.is_ascii_alphanumeric()) && !inner.is_empty();
            let inner = token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(is_plain);
            if let Some(inner) = inner {
                *token = format!("\"\"\"{inner}\"\"\"");
            }
        }
        Value::Variable(_) => {}
    }
}
