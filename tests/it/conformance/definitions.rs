//! Generates the definitions of a document: operations, fragments, other definitions, and the operation name of the request.

use super::document::{Definition, Document, Operation, Selection};
use super::faults::Fault::*;
use super::generate::Writer;

impl Writer<'_, '_> {
    pub(super) fn document(&mut self) -> Document {
        let below = self.selection_set("Query", 0);
        let mut keyword = Some("query".to_owned());
        if self.fault(OtherOperationType) {
            keyword = Some(self.draw.word(&["mutation", "subscription", "Query", "queries"]));
        }
        let directives = self.misplaced();
        self.add_variables();
        let variables: Vec<_> = self.variables.iter().map(|variable| variable.definition.clone()).collect();
        let named = !variables.is_empty() || self.draw.one_in(2);
        let name =
            (named && !self.draw.one_in(4)).then(|| self.draw.word(&["Q", "query", "on", "fragment", "null", "A"]));
        let shorthand = name.is_none() && variables.is_empty() && directives.is_empty() && self.draw.one_in(2);
        let keyword = keyword.filter(|_| !shorthand);
        let mut description = if shorthand { None } else { self.description(8) };
        if self.fault(MisplacedDescription) {
            description = self.description(1);
        }
        let first = Operation { description, keyword, name, variables, directives, below };
        let mut definitions: Vec<Definition> =
            std::mem::take(&mut self.fragments).into_iter().map(Definition::Fragment).collect();
        if !self.fault(NoOperation) {
            let place = if self.draw.one_in(4) { self.draw.below(definitions.len() + 1) } else { 0 };
            definitions.insert(place, Definition::Operation(first.clone()));
        }
        self.add_operations(&first, &mut definitions);
        if self.fault(UnusedFragment) {
            self.fragment("Unused".to_owned(), "TeamMember".to_owned(), "TeamMember", 4);
            definitions.extend(std::mem::take(&mut self.fragments).into_iter().map(Definition::Fragment));
        }
        if self.fault(TypeSystemDefinition) {
            let text = self.draw.word(&[
                "type X { a : Int }",
                "extend type Query { x : Int }",
                "scalar X",
                "schema { query : Query }",
                "directive @ x on FIELD",
                "enum E { A }",
                "input I { a : Int }",
                "union U = X",
                "\"d\" type X { a : Int }",
                "interface I { a : Int }",
                "extend schema @ x",
            ]);
            let place = self.draw.below(definitions.len() + 1);
            definitions.insert(place, Definition::Other(text));
        }
        Document { definitions }
    }

    /// Adds a second operation.
    fn add_operations(&mut self, first: &Operation, definitions: &mut Vec<Definition>) {
        let same = self.fault(SameOperationName);
        let anonymous = self.fault(AnonymousBesideOthers);
        if !same && !anonymous && !self.draw.one_in(10) {
            return;
        }
        let name =
            if same { first.name.clone().or(Some("Q".to_owned())) } else { (!anonymous).then(|| "Other".to_owned()) };
        let mut spreads: Vec<_> = definitions
            .iter()
            .filter_map(|one| if let Definition::Fragment(fragment) = one { Some(fragment) } else { None })
            .filter(|fragment| fragment.on == "Query")
            .map(|fragment| Selection::Spread { name: fragment.name.clone(), directives: Vec::new() })
            .collect();
        spreads.truncate(self.draw.below(2));
        // The second operation declares variables of its own, some with the same names and other types.
        let outer = std::mem::take(&mut self.variables);
        self.room = 4;
        let mut below = self.selection_set("Query", 4);
        below.extend(spreads);
        let mut variables: Vec<_> =
            std::mem::replace(&mut self.variables, outer).into_iter().map(|one| one.definition).collect();
        if self.draw.one_in(2) {
            let missing: Vec<_> = first
                .variables
                .iter()
                .filter(|one| variables.iter().all(|known| known.name != one.name))
                .cloned()
                .collect();
            variables.extend(missing);
        }
        let operation = Operation {
            description: self.description(8),
            keyword: Some("query".to_owned()),
            name,
            variables,
            directives: Vec::new(),
            below,
        };
        definitions.push(Definition::Operation(operation));
        definitions.extend(std::mem::take(&mut self.fragments).into_iter().map(Definition::Fragment));
    }

    pub(super) fn operation_name(&mut self, document: &Document) -> Option<String> {
        let names: Vec<_> = document
            .definitions
            .iter()
            .filter_map(|one| if let Definition::Operation(operation) = one { operation.name.clone() } else { None })
            .collect();
        let several = document.definitions.iter().filter(|one| matches!(one, Definition::Operation(_))).count() > 1;
        match self.draw.below(20) {
            0 => Some("null".to_owned()),
            1 => Some("\"\"".to_owned()),
            2 => Some("\"Unknown\"".to_owned()),
            3 => None,
            n if (several || n < 6) && !names.is_empty() => Some(format!("\"{}\"", self.draw.pick(&names))),
            _ => None,
        }
    }
}
