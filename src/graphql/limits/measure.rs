//! Measuring: what a parsed document asks for once its fragments are spread, counted without spreading them.
//!
//! Each fragment is measured once, so the work is linear in the document's length. It comes before validation, which walks
//! fragments in ways of its own.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, DirectiveList, Document, Field, FragmentDefinition, Selection};

use crate::config;
use crate::graphql::error::Code;
use crate::graphql::request_error::RequestError;

/// Which of the fields that tell about the schema itself this caller may ask for.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql) struct IntrospectionSwitches {
    /// `__schema` and `__type`.
    pub(in crate::graphql) introspection: bool,
    /// `_service`.
    pub(in crate::graphql) service: bool,
}

/// The measured size of a document, so that it is walked once only.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::graphql) struct Measured {
    selections: usize,
    fields: usize,
    aliases: usize,
    directives: usize,
    introspects: bool,
    asks_for_service: bool,
}

impl Measured {
    /// Measures a document that the grammar accepts. It needs not be valid.
    ///
    /// # Errors
    /// A limit that one of its operations or fragments exceeds.
    pub(in crate::graphql) fn of(document: &Document, limits: &config::GraphQlConfig) -> Result<Self, RequestError> {
        let mut meter = DocumentMeter { fragments: HashMap::new(), known: HashMap::new(), level: 0, limits };
        for definition in &document.definitions {
            if let Definition::FragmentDefinition(fragment) = definition {
                meter.fragments.entry(fragment.name.as_str()).or_insert(&**fragment);
            }
        }
        let mut measured = Self::default();
        for definition in &document.definitions {
            match definition {
                Definition::OperationDefinition(operation) => {
                    let mut measure = meter.selections(&operation.selection_set)?;
                    meter.directives(&operation.directives, &mut measure)?;
                    for variable in &operation.variables {
                        meter.directives(&variable.directives, &mut measure)?;
                    }
                    measure.check(limits)?;
                    measured.add(measure);
                }
                // Validation walks these too, whether an operation spreads them or not.
                Definition::FragmentDefinition(fragment) => {
                    let mut measure = match meter.fragments.get(fragment.name.as_str()) {
                        Some(first) if std::ptr::eq(*first, &**fragment) => meter.fragment(&fragment.name)?,
                        _ => meter.selections(&fragment.selection_set)?,
                    };
                    meter.directives(&fragment.directives, &mut measure)?;
                    // Its fields are root fields only where an operation spreads it, which has been counted there.
                    measure.fields = 0;
                    if fragment.type_condition.starts_with("__") {
                        measure.introspection_depth = measure.introspection_depth.max(measure.depth);
                        measure.depth = 0;
                    }
                    measure.check(limits)?;
                    measured.introspects |= measure.introspects;
                    measured.asks_for_service |= measure.asks_for_service;
                }
                // Validation rejects type definitions.
                _ => {}
            }
        }
        Ok(measured)
    }

    /// Counts the document with those of the batch's other requests.
    ///
    /// # Errors
    /// A limit that the sum exceeds, or a switch that is off for this caller.
    pub(in crate::graphql) fn check(
        &self,
        switches: IntrospectionSwitches,
        total: &mut Self,
        limits: &config::GraphQlConfig,
    ) -> Result<(), RequestError> {
        if self.introspects && !switches.introspection {
            let message = "introspection is disabled".to_owned();
            return Err(RequestError { code: Code::IntrospectionDisabled, message });
        }
        if self.asks_for_service && !switches.service {
            let message = "`_service` is not available to this caller".to_owned();
            return Err(RequestError { code: Code::Forbidden, message });
        }
        total.selections = total.selections.saturating_add(self.selections);
        total.fields = total.fields.saturating_add(self.fields);
        total.aliases = total.aliases.saturating_add(self.aliases);
        total.directives = total.directives.saturating_add(self.directives);
        let Self { selections, fields, aliases, directives, .. } = *total;
        Measure { selections, fields, aliases, directives, ..Measure::default() }.check(limits)
    }

    /// Whether an operation asks for `__schema` or `__type`.
    pub(in crate::graphql) fn introspects(&self) -> bool {
        self.introspects
    }

    fn add(&mut self, operation: Measure) {
        self.selections = self.selections.saturating_add(operation.selections);
        self.fields = self.fields.saturating_add(operation.fields);
        self.aliases = self.aliases.saturating_add(operation.aliases);
        self.directives = self.directives.saturating_add(operation.directives);
        self.introspects |= operation.introspects;
        self.asks_for_service |= operation.asks_for_service;
    }
}

/// Whether a field of this name asks about the schema.
pub(in crate::graphql) fn is_introspection(name: &str) -> bool {
    matches!(name, "__schema" | "__type")
}

/// The size of a selection set with every fragment in it spread.
#[derive(Clone, Copy, Default)]
struct Measure {
    selections: usize,
    /// Fields directly at this level.
    fields: usize,
    /// Levels of fields, leaves counted.
    depth: usize,
    /// The same below `__schema` and `__type`.
    introspection_depth: usize,
    /// Levels of selection sets, those of fragments counted.
    nesting: usize,
    aliases: usize,
    directives: usize,
    introspects: bool,
    asks_for_service: bool,
}

impl Measure {
    /// Adds a selection that stands beside what was measured before.
    fn add(&mut self, other: Self) {
        self.selections = self.selections.saturating_add(other.selections).saturating_add(1);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.fields = self.fields.saturating_add(other.fields);
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
        self.nesting = self.nesting.max(other.nesting);
        self.introspects |= other.introspects;
        self.asks_for_service |= other.asks_for_service;
    }

    fn check(&self, limits: &config::GraphQlConfig) -> Result<(), RequestError> {
        let bounds = [
            (self.selections, limits.selections_limit, Code::MaxSelections, "the number of selections"),
            (self.depth, limits.depth_limit, Code::MaxDepth, "the depth of selections"),
            (self.introspection_depth, limits.introspection_depth_limit, Code::MaxDepth, "the depth of introspection"),
            (self.nesting, limits.nesting_limit, Code::MaxRecursion, "the nesting of selection sets"),
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

struct DocumentMeter<'d> {
    /// By name; of several with one name, which validation rejects, the first.
    fragments: HashMap<&'d str, &'d FragmentDefinition>,
    /// `None` while a fragment is being measured: to meet it again is a cycle.
    known: HashMap<&'d str, Option<Measure>>,
    /// Selection sets that are open above the one being measured: what bounds the recursion here.
    level: usize,
    limits: &'d config::GraphQlConfig,
}

impl<'d> DocumentMeter<'d> {
    fn selections(&mut self, selections: &'d [Selection]) -> Result<Measure, RequestError> {
        self.level += 1;
        if self.level > self.limits.nesting_limit {
            let limit = self.limits.nesting_limit;
            return Err(RequestError::past(Code::MaxRecursion, "the nesting of selection sets", limit));
        }
        let mut sum = Measure::default();
        for selection in selections {
            sum.add(match selection {
                Selection::Field(field) => self.field(field)?,
                Selection::InlineFragment(fragment) => {
                    let mut one = self.selections(&fragment.selection_set)?;
                    self.directives(&fragment.directives, &mut one)?;
                    one
                }
                Selection::FragmentSpread(spread) => {
                    let mut one = self.fragment(&spread.fragment_name)?;
                    self.directives(&spread.directives, &mut one)?;
                    one
                }
            });
        }
        self.level -= 1;
        sum.nesting += 1;
        Ok(sum)
    }

    fn field(&mut self, field: &'d Field) -> Result<Measure, RequestError> {
        let mut measure = match &field.selection_set {
            Some(selections) => self.selections(selections)?,
            None => Measure::default(),
        };
        self.directives(&field.directives, &mut measure)?;
        measure.fields = 1;
        measure.aliases = measure.aliases.saturating_add(usize::from(field.alias.is_some()));
        let introspects = is_introspection(&field.name);
        let depth = measure.depth.max(measure.introspection_depth) + 1;
        if introspects {
            (measure.depth, measure.introspection_depth) = (0, depth);
        } else {
            measure.depth += 1;
        }
        measure.introspects |= introspects;
        measure.asks_for_service |= field.name == "_service";
        Ok(measure)
    }

    fn fragment(&mut self, name: &'d str) -> Result<Measure, RequestError> {
        match self.known.get(name) {
            Some(Some(measure)) => return Ok(*measure),
            // A cycle, or a fragment that is missing, is for validation to report.
            Some(None) => return Ok(Measure::default()),
            None => {}
        }
        let Some(fragment) = self.fragments.get(name).copied() else { return Ok(Measure::default()) };
        self.known.insert(name, None);
        let measure = self.selections(&fragment.selection_set)?;
        self.known.insert(name, Some(measure));
        Ok(measure)
    }

    /// Counts the directives of one place.
    fn directives(&self, directives: &DirectiveList, measure: &mut Measure) -> Result<(), RequestError> {
        let limit = self.limits.field_directives_limit;
        if directives.len() > limit {
            return Err(RequestError::past(Code::MaxDirectives, "the number of directives in one place", limit));
        }
        measure.directives = measure.directives.saturating_add(directives.len());
        Ok(())
    }
}
