//! What an audit log has of an operation: its name, and the personal data that it asks for.

use apollo_compiler::Node;
use apollo_compiler::executable::Operation;

use super::validated_request::ValidatedRequest;
use crate::graphql::plan::personal_data::PersonalData;

/// An operation of a document that is valid.
#[derive(Clone, Debug)]
pub struct AuditedOperation {
    operation: Node<Operation>,
    personal_data: Vec<&'static str>,
}

impl AuditedOperation {
    /// Of a request that is audited.
    pub(super) fn of(request: &ValidatedRequest) -> Option<Box<Self>> {
        if !request.is_audited {
            return None;
        }
        let document = &request.prepared.document;
        let operation = document.operation(request.operation_name.as_deref())?.clone();
        let mut found = request.plan.personal_data.clone();
        for argument in request.plan.arguments.iter() {
            PersonalData::of_values(argument, &request.variables, document.schema(), &mut found);
        }
        let contact = request.grants.caller().scopes.contact;
        let read = found.into_iter().filter(|found| found.is_read(contact));
        let mut personal_data: Vec<_> = read.map(|found| found.coordinate).collect();
        personal_data.sort_unstable();
        Some(Box::new(Self { operation, personal_data }))
    }

    /// Its name, where it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.operation.name.as_ref().map(|name| name.as_str())
    }

    /// The personal data that it asks for and its caller may read, as coordinates of the schema, in their order: fields, and
    /// arguments and conditions that find people by such data.
    #[must_use]
    pub fn personal_data(&self) -> &[&'static str] {
        &self.personal_data
    }
}
