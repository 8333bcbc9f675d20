//! What a parsed document asks for, once its fragments are spread: counted without spreading them, each fragment once.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::{ConstValue, Value};

use super::limits::{IntrospectionSwitches, RequestTotals};
use crate::config;
use crate::graphql::error::Code;
use crate::graphql::request_error::RequestError;

/// What a document was found to come to, so that it need not be walked again.
#[derive(Debug, Default)]
pub(in crate::graphql) struct Measured {
    selections: usize,
    fields: usize,
    aliases: usize,
    directives: usize,
    representations: Vec<Representations>,
    /// Whether it asks for what not every caller may have.
    pub(in crate::graphql) restricted: bool,
}

/// How many representations an `_entities` is given.
#[derive(Debug)]
enum Representations {
    Written(usize),
    Variable(Name),
}

impl Measured {
    /// Counts the document again, for another request. `false`, and nothing is counted, where it must be walked once more:
    /// a limit may refuse it, or a switch.
    pub(in crate::graphql) fn spend_again(
        &self,
        variables: &Variables,
        totals: &mut RequestTotals,
        limits: &config::GraphQlConfig,
    ) -> bool {
        let representations: usize = self.representations.iter().map(|one| one.count(variables)).sum();
        let sum = RequestTotals {
            selections: totals.selections.saturating_add(self.selections),
            fields: totals.fields.saturating_add(self.fields),
            aliases: totals.aliases.saturating_add(self.aliases),
            directives: totals.directives.saturating_add(self.directives),
            representations: totals.representations.saturating_add(representations),
            ..*totals
        };
        let fits = !self.restricted
            && sum.selections <= limits.selections_limit
            && sum.fields <= limits.root_fields_limit
            && sum.aliases <= limits.aliases_limit
            && sum.directives <= limits.directives_limit
            && sum.representations <= limits.representations_limit;
        if fits {
            *totals = sum;
        }
        fits
    }
}

impl Representations {
    fn count(&self, variables: &Variables) -> usize {
        match self {
            Self::Written(count) => *count,
            Self::Variable(name) => match variables.get(name) {
                Some(ConstValue::List(list)) => list.len(),
                _ => 0,
            },
        }
    }
}

pub(super) fn check(
    document: &ExecutableDocument,
    variables: &Variables,
    switches: IntrospectionSwitches,
    totals: &mut RequestTotals,
    limits: &config::GraphQlConfig,
) -> Result<Measured, RequestError> {
    let (fragments, measured) = (&document.fragments, Measured::default());
    let mut meter = Meter { fragments, known: HashMap::new(), level: 0, variables, switches, totals, limits, measured };
    for (_, operation) in document.operations.iter() {
        meter.directives(&operation.node.directives)?;
        let mut measure = meter.selection_set(&operation.node.selection_set.node)?;
        measure.directives = measure.directives.saturating_add(operation.node.directives.len());
        meter.spend(measure)?;
    }
    // The validator walks these too, whether an operation spreads them or not.
    for (name, fragment) in &document.fragments {
        let mut measure = meter.fragment(name)?;
        // Its fields are the root's only where an operation spreads it there, which has been counted.
        measure.fields = 0;
        if fragment.node.type_condition.node.on.node.starts_with("__") {
            measure.introspection_depth = measure.introspection_depth.max(measure.depth);
            measure.depth = 0;
        }
        measure.check(limits)?;
    }
    Ok(meter.measured)
}

/// What a selection set comes to when everything in it is spread.
#[derive(Clone, Copy, Default)]
struct Measure {
    selections: usize,
    /// Fields directly at this level.
    fields: usize,
    /// Levels of fields, leaves counted.
    depth: usize,
    /// The same below `__schema` and `__type`.
    introspection_depth: usize,
    /// Levels of selection sets, fragments counted.
    nesting: usize,
    aliases: usize,
    directives: usize,
}

impl Measure {
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.fields = self.fields.saturating_add(other.fields);
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
        self.nesting = self.nesting.max(other.nesting);
    }

    /// Refuses what is past a limit.
    fn check(&self, limits: &config::GraphQlConfig) -> Result<(), RequestError> {
        let bounds = [
            (self.selections, limits.selections_limit, Code::MaxSelections, "the number of selections"),
            (self.depth, limits.depth_limit, Code::MaxDepth, "the depth of selections"),
            (self.introspection_depth, limits.introspection_depth_limit, Code::MaxDepth, "the depth of introspection"),
            (self.nesting, limits.nesting_limit + 1, Code::MaxRecursion, "the nesting of selection sets"),
            (self.aliases, limits.aliases_limit, Code::MaxAliases, "the number of aliases"),
            (self.fields, limits.root_fields_limit, Code::MaxRootFields, "the number of root fields"),
            (self.directives, limits.directives_limit, Code::MaxDirectives, "the number of directives"),
        ];
        match bounds.into_iter().find(|(count, limit, ..)| count > limit) {
            Some((_, limit, code, what)) => Err(RequestError::past(code, what, limit)),
            None => Ok(()),
        }
    }
}

struct Meter<'d> {
    fragments: &'d HashMap<Name, Positioned<FragmentDefinition>>,
    /// `None` while a fragment is being measured: to meet it again is a cycle.
    known: HashMap<&'d Name, Option<Measure>>,
    /// Selection sets that are open above the one being measured: what keeps our own stack small.
    level: usize,
    variables: &'d Variables,
    switches: IntrospectionSwitches,
    totals: &'d mut RequestTotals,
    limits: &'d config::GraphQlConfig,
    measured: Measured,
}

impl<'d> Meter<'d> {
    fn selection_set(&mut self, set: &'d SelectionSet) -> Result<Measure, RequestError> {
        self.level += 1;
        self.check_nesting(self.level)?;
        let mut sum = Measure::default();
        for selection in &set.items {
            let mut one = match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.node.directives)?;
                    let mut one = self.selection_set(&fragment.node.selection_set.node)?;
                    one.directives = one.directives.saturating_add(fragment.node.directives.len());
                    one
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives)?;
                    let mut one = self.fragment(&spread.node.fragment_name.node)?;
                    one.directives = one.directives.saturating_add(spread.node.directives.len());
                    one
                }
            };
            one.selections = one.selections.saturating_add(1);
            sum.add(one);
        }
        self.level -= 1;
        sum.nesting += 1;
        Ok(sum)
    }

    fn check_nesting(&self, levels: usize) -> Result<(), RequestError> {
        let limit = self.limits.nesting_limit;
        // A field without a selection set has an empty one in the parsed document.
        if levels > limit + 1 {
            return Err(RequestError::past(Code::MaxRecursion, "the nesting of selection sets", limit));
        }
        Ok(())
    }

    fn field(&mut self, field: &'d Field) -> Result<Measure, RequestError> {
        self.directives(&field.directives)?;
        let below = self.selection_set(&field.selection_set.node)?;
        let name = field.name.node.as_str();
        if name == "_entities" {
            self.representations(field)?;
        }
        let introspects = matches!(name, "__schema" | "__type");
        self.measured.restricted |= introspects || name == "_service";
        if introspects && !self.switches.introspection {
            return Err(RequestError {
                code: Code::IntrospectionDisabled,
                message: "introspection is switched off here".to_owned(),
            });
        }
        if name == "_service" && !self.switches.service {
            return Err(RequestError {
                code: Code::Forbidden,
                message: "`_service` is not answered to this caller".to_owned(),
            });
        }
        let depth = below.depth.max(below.introspection_depth) + 1;
        Ok(Measure {
            fields: 1,
            depth: if introspects { 0 } else { below.depth + 1 },
            introspection_depth: if introspects { depth } else { 0 },
            aliases: below.aliases.saturating_add(usize::from(field.alias.is_some())),
            directives: below.directives.saturating_add(field.directives.len()),
            ..below
        })
    }

    fn fragment(&mut self, name: &'d Name) -> Result<Measure, RequestError> {
        match self.known.get(name) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => {
                return Err(RequestError {
                    code: Code::ValidationFailed,
                    message: format!("fragment \"{name}\" spreads itself"),
                });
            }
            None => {}
        }
        // A fragment that is not there is for the validator to report.
        let Some(fragment) = self.fragments.get(name) else {
            return Ok(Measure::default());
        };
        self.known.insert(name, None);
        self.directives(&fragment.node.directives)?;
        let measure = self.selection_set(&fragment.node.selection_set.node)?;
        self.known.insert(name, Some(measure));
        Ok(measure)
    }

    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<(), RequestError> {
        let limit = self.limits.field_directives_limit;
        if directives.len() > limit {
            return Err(RequestError::past(Code::MaxDirectives, "the number of directives in one place", limit));
        }
        Ok(())
    }

    /// Counts an operation beside what the request has asked for before.
    fn spend(&mut self, measure: Measure) -> Result<(), RequestError> {
        let measured = &mut self.measured;
        measured.selections = measured.selections.saturating_add(measure.selections);
        measured.fields = measured.fields.saturating_add(measure.fields);
        measured.aliases = measured.aliases.saturating_add(measure.aliases);
        measured.directives = measured.directives.saturating_add(measure.directives);
        let totals = &mut *self.totals;
        totals.selections = totals.selections.saturating_add(measure.selections);
        totals.fields = totals.fields.saturating_add(measure.fields);
        totals.aliases = totals.aliases.saturating_add(measure.aliases);
        totals.directives = totals.directives.saturating_add(measure.directives);
        let RequestTotals { selections, fields, aliases, directives, .. } = *totals;
        Measure { selections, fields, aliases, directives, ..measure }.check(self.limits)
    }

    fn representations(&mut self, field: &Field) -> Result<(), RequestError> {
        let representations = match field.get_argument("representations").map(|value| &value.node) {
            Some(Value::List(list)) => Representations::Written(list.len()),
            Some(Value::Variable(name)) => Representations::Variable(name.clone()),
            _ => Representations::Written(0),
        };
        let count = representations.count(self.variables);
        self.measured.representations.push(representations);
        let limit = self.limits.representations_limit;
        self.totals.representations = self.totals.representations.saturating_add(count);
        if self.totals.representations > limit {
            return Err(RequestError::past(Code::MaxRepresentations, "the number of representations", limit));
        }
        Ok(())
    }
}
