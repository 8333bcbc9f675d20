//! The inspector: judges an operation with the code that judges requests, over teams that are only described.

use std::collections::BTreeSet;

use apollo_compiler::ast::Value;
use apollo_compiler::executable::{Field, Operation};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Node, Schema};
use async_graphql_value::ConstValue;

use super::worst_case::{WorstCase, variables_of};
use crate::config::GraphQlConfig;
use crate::graphql::language::{CoercedVariables, ServedSchema, scan};
use crate::graphql::limits::{ArgumentSize, Estimate, Measured, RosterSize, Rows, SizeLimits};
use crate::graphql::plan::operation_cache::PreparedDocument;
use crate::graphql::plan::plan::Plan;
use crate::model::PageLimits;

/// For so many variables of conditions every combination is looked at; for more, all of them on and all of them off.
const CONDITIONS: usize = 6;
/// The text before the name of a scope that a field needs, in the schema's descriptions.
const NEEDS: [&str; 2] = ["Needs the scope `", "t needs the scope `"];

/// A team, as far as an operation's cost depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeamShape {
    /// Members.
    pub members: usize,
    /// Roles that they have.
    pub roles: usize,
    /// Members of the role that has the most.
    pub largest_role: usize,
    /// Rows of the upstream that cannot be read.
    pub skipped_rows: usize,
    /// Unreadable values of the member that has the most.
    pub unrecognized: usize,
    /// Items of the longest list that a member has.
    pub list_items: usize,
}

/// The type of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// It reads once.
    Query,
    /// It changes something: each of its fields is a call of its own.
    Mutation,
    /// It reads again and again.
    Subscription,
}

/// The report on an operation before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationReport {
    /// Its type.
    pub kind: OperationKind,
    /// Cells over a usual team, with the variables that were given.
    pub estimated_cost: usize,
    /// Cells over the largest team, with every variable as large as it may be. What costs more than the limit is refused.
    pub worst_cost: usize,
    /// The cost past the limit, if variables can reach it.
    pub refused: Option<RefusedCost>,
    /// Accounts that one request usually reads.
    pub accounts: usize,
    /// Accounts that one request can read at most.
    pub most_accounts: usize,
    /// Upstream calls that one request makes beside reading accounts.
    pub direct_calls: usize,
    /// The scopes that it needs, besides an account that the caller may read.
    pub scopes: Vec<String>,
    /// Whether a browser may keep its answer while the teams in it are fresh.
    pub cacheable: bool,
}

/// The cost past the limit that variables can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCost {
    /// The most, in cells.
    pub cells: usize,
    /// The argument that asks for most of it, and its variables, such as `filter ($filter)`. `None` where it needs none.
    pub argument: Option<String>,
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotInspected(String);

/// Inspects operations.
pub struct Inspector {
    schema: ServedSchema,
    limits: GraphQlConfig,
}

impl Inspector {
    /// For the whole schema, and these limits.
    #[must_use]
    pub fn new(limits: GraphQlConfig) -> Self {
        Self { schema: ServedSchema::new(true, true, true), limits }
    }

    /// Inspects the one operation of a document. `variables` is a JSON object with usual values, where there are any.
    ///
    /// # Errors
    /// Why the service would refuse the document.
    pub fn inspect(
        &self,
        text: &str,
        variables: Option<&str>,
        usual: TeamShape,
        largest: TeamShape,
    ) -> Result<OperationReport, NotInspected> {
        let prepared = self.prepare(text)?;
        let document = &prepared.document;
        let operation =
            document.operation(None).ok_or_else(|| NotInspected("it has no operation of its own".to_owned()))?;
        let coerced = document.coerce_variables(operation, Some(variables.unwrap_or("{}")));
        let coerced = match (coerced, variables) {
            (Ok(coerced), _) => coerced,
            // Without values, what has no default is taken as not given.
            (Err(_), None) => CoercedVariables::default(),
            (Err(errors), Some(_)) => return Err(NotInspected(first(errors.errors.into_iter().map(|e| e.message)))),
        };
        let (mut estimated, mut worst, mut argument) = (0, 0, None);
        for plan in self.plans(&prepared, operation, &coerced) {
            let value = |name: &str| coerced.given(name);
            let size_limits = self.size_limits();
            let sizes = plan.arguments.sizes(&value, self.schema.schema(), size_limits);
            let case = WorstCase {
                arguments: &plan.arguments,
                given: &sizes,
                filters: &plan.cost.filters,
                variables: &operation.variables,
                schema: self.schema.schema(),
                limits: &self.limits,
            };
            let worst_of = case.sizes();
            estimated = estimated.max(self.cells(&plan, &sizes, usual));
            let cells = self.cells(&plan, &worst_of, largest);
            if cells > worst {
                (worst, argument) = (cells, self.dearest(&plan, &sizes, &worst_of, largest));
            }
        }
        let refused = (worst > self.limits.cost_limit).then_some(RefusedCost { cells: worst, argument });
        let roots: Vec<_> = operation.root_fields(document.executable()).collect();
        let (accounts, most_accounts) = self.accounts(&roots);
        let kind = match () {
            () if operation.is_mutation() => OperationKind::Mutation,
            () if operation.is_subscription() => OperationKind::Subscription,
            () => OperationKind::Query,
        };
        let direct_calls =
            if kind == OperationKind::Mutation { roots.iter().filter(|root| !is_meta(root)).count() } else { 0 };
        let reads = kind != OperationKind::Mutation;
        Ok(OperationReport {
            kind,
            estimated_cost: estimated,
            worst_cost: worst.min(self.limits.cost_limit).max(estimated),
            refused,
            accounts: if reads { accounts } else { 0 },
            most_accounts: if reads { most_accounts } else { 0 },
            direct_calls,
            scopes: self.scopes(operation, &prepared),
            cacheable: kind == OperationKind::Query && accounts > 0,
        })
    }

    fn prepare(&self, text: &str) -> Result<PreparedDocument, NotInspected> {
        let refused = |error: crate::graphql::request_error::RequestError| {
            NotInspected(format!("{} ({})", error.message, error.code.name()))
        };
        let tokens = scan::check_text(text, &mut 0, &self.limits).map_err(refused)?;
        let failed = |errors: crate::graphql::language::DocumentErrors| {
            // Lines are those of a document that was put together, which no user has seen.
            NotInspected(first(errors.errors.into_iter().map(|error| error.message)))
        };
        let parsed = self.schema.parse(text.into(), tokens, self.limits.nesting_limit).map_err(failed)?;
        let measured = Measured::of(parsed.ast(), &self.limits).map_err(refused)?;
        Ok(PreparedDocument::new(parsed.validate().map_err(failed)?, measured))
    }

    fn size_limits(&self) -> SizeLimits {
        SizeLimits { terms: self.limits.filter_terms_limit }
    }

    /// The plans for every way in which conditions without a value may be decided.
    fn plans(
        &self,
        prepared: &PreparedDocument,
        operation: &Node<Operation>,
        coerced: &CoercedVariables,
    ) -> Vec<std::sync::Arc<Plan>> {
        let names = prepared.conditions(operation);
        let combinations = if names.len() > CONDITIONS { vec![0, usize::MAX] } else { (0..1 << names.len()).collect() };
        let plan = |bits: usize| {
            let truth = |name: &str| match coerced.get(name) {
                Some(ConstValue::Boolean(truth)) => Some(*truth),
                _ => names.iter().position(|known| **known == *name).map(|n| bits >> n.min(63) & 1 == 1),
            };
            prepared.plan(None, &truth, self.size_limits())
        };
        combinations.into_iter().filter_map(plan).collect()
    }

    fn cells(&self, plan: &Plan, sizes: &[ArgumentSize], team: TeamShape) -> usize {
        let TeamShape { members, roles, largest_role, skipped_rows, unrecognized, list_items } = team;
        let team = RosterSize { members, roles, largest_role, skipped_rows, unrecognized, list_items };
        let pages = PageLimits { default: self.limits.page_default, max: self.limits.page_max };
        let estimate = Estimate { arguments: sizes, pages, finds: true };
        estimate.cells(&plan.cost, &|root, each| {
            let rows = match plan.cost.roots.get(root).map(|field| field.rows) {
                // Representations without a value are one.
                Some(Rows::Entities(argument)) => sizes.get(argument).map_or(1, |size| size.items.max(1)),
                _ => 1,
            };
            each(rows, team);
        })
    }

    /// The argument that costs most where it alone is as large as it may be.
    fn dearest(&self, plan: &Plan, given: &[ArgumentSize], worst: &[ArgumentSize], team: TeamShape) -> Option<String> {
        let open = plan.arguments.iter().enumerate().filter(|(_, argument)| argument.fixed.is_none());
        let (_, dearest) = open.max_by_key(|(n, _)| {
            let sizes =
                given.iter().zip(worst).enumerate().map(|(at, (given, worst))| if at == *n { worst } else { given });
            self.cells(plan, &sizes.copied().collect::<Vec<_>>(), team)
        })?;
        let variables: Vec<_> = variables_of(&dearest.value).iter().map(|name| format!("${name}")).collect();
        Some(format!("{} ({})", dearest.definition.name, variables.join(", ")))
    }

    /// How many accounts the root fields read, usually and at most: each one that is written out or is a variable, and the
    /// request's own.
    fn accounts(&self, roots: &[&Node<Field>]) -> (usize, usize) {
        let (mut named, mut entities) = (BTreeSet::new(), false);
        for root in roots.iter().filter(|root| !is_meta(root)) {
            if root.definition.argument_by_name("representations").is_some() {
                entities = true;
                continue;
            }
            let account = root.specified_argument_by_name("account").filter(|value| !matches!(***value, Value::Null));
            named.insert(account.map(ToString::to_string));
        }
        let most = if entities { self.limits.representations_limit } else { 0 };
        (named.len() + usize::from(entities), named.len() + most)
    }

    /// The scopes that descriptions of its fields, of their types, and of conditions that are written out tell of.
    fn scopes(&self, operation: &Operation, prepared: &PreparedDocument) -> Vec<String> {
        let schema = self.schema.schema();
        let mut scopes = BTreeSet::new();
        let mut told = |description: Option<&Node<str>>| {
            let text: String =
                description.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default();
            for needs in NEEDS {
                let rest = text.split(needs).skip(1).filter_map(|rest| rest.split('`').next());
                scopes.extend(rest.map(str::to_owned));
            }
        };
        let mut reads = false;
        for field in operation.all_fields(prepared.document.executable()) {
            reads |= !field.name.starts_with('_');
            told(field.definition.description.as_ref());
            told(schema.types.get(field.definition.ty.inner_named_type()).and_then(ExtendedType::description));
            for argument in &field.arguments {
                if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                    conditions(&argument.value, definition.ty.inner_named_type(), schema, &mut told);
                }
            }
        }
        if reads {
            // There is no caller without it.
            scopes.insert("team:read".to_owned());
        }
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort_by_key(|scope| scope != "team:read");
        scopes
    }
}

/// Collects the conditions in the descriptions of an input object's fields, as far as a value has them.
fn conditions(value: &Value, of: &str, schema: &Schema, told: &mut impl FnMut(Option<&Node<str>>)) {
    match value {
        Value::List(items) => items.iter().for_each(|item| conditions(item, of, schema, told)),
        Value::Object(fields) => {
            let Some(object) = schema.get_input_object(of) else { return };
            for (name, value) in fields {
                if let Some(field) = object.fields.get(name) {
                    told(field.description.as_ref());
                    conditions(value, field.ty.inner_named_type(), schema, told);
                }
            }
        }
        _ => {}
    }
}

/// Whether a root field is about the schema, and reads no team.
fn is_meta(field: &Field) -> bool {
    field.name.starts_with("__") || field.name == "_service"
}

fn first(mut messages: impl Iterator<Item = String>) -> String {
    messages.next().unwrap_or_default()
}
