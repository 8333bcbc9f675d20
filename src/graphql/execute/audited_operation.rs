//! An operation in the audit log: its name, and the personal data that it asks for.

use std::sync::{Arc, OnceLock};

use apollo_compiler::Node;
use apollo_compiler::executable::Operation;
use async_graphql_value::ConstValue;

use super::validated_request::ValidatedRequest;
use crate::graphql::plan::personal_data::PersonalData;

/// The longest name of an operation that is shown, in bytes. Names are their clients', and may be as long as a document.
const NAME_LIMIT: usize = 100;

/// Where an operation that is audited is found as soon as it is known, before anything is loaded for it.
pub type OperationSlot = Arc<OnceLock<AuditedOperation>>;

/// An operation of a document that is valid.
#[derive(Clone, Debug)]
pub struct AuditedOperation {
    operation: Node<Operation>,
    personal_data: Vec<&'static str>,
}

impl AuditedOperation {
    pub(super) fn of(request: &ValidatedRequest) -> Option<Self> {
        let (plan, variables) = (&request.plan, &request.variables);
        let document = &request.prepared.document;
        let operation = request.operation()?.clone();
        // As the plan has them: what depends on a null is not shown.
        let truths = |name: &str| variables.get(name).map(|value| *value == ConstValue::Boolean(true));
        let of_fields = plan.personal_data.get_or_init(|| PersonalData::of_operation(document, &operation, &truths));
        let mut found = of_fields.to_vec();
        for argument in plan.arguments.iter() {
            PersonalData::of_values(argument, variables, document.schema(), &mut found);
        }
        let contact = request.grants.caller().scopes.contact;
        let read = found.into_iter().filter(|found| found.is_read(contact));
        let mut personal_data: Vec<_> = read.map(|found| found.coordinate).collect();
        personal_data.sort_unstable();
        Some(Self { operation, personal_data })
    }

    /// Its name, where it has one, as far as it is shown.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.operation.name.as_ref().map(|name| shown(name.as_str()))
    }

    /// The personal data that it asks for and its caller may read, as coordinates of the schema, in their order: fields, and
    /// arguments and conditions that find people by such data.
    #[must_use]
    pub fn personal_data(&self) -> &[&'static str] {
        &self.personal_data
    }
}

/// An operation's name as far as it is shown.
pub(super) fn shown(name: &str) -> &str {
    let end = (0..=NAME_LIMIT.min(name.len())).rfind(|end| name.is_char_boundary(*end));
    &name[..end.unwrap_or(0)]
}
