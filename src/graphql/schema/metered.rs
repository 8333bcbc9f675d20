//! Metered items: what the items of a list come to is counted while async-graphql resolves them, so that an answer that grows
//! past its limit is not built to its end, and one that is no longer wanted stops.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use super::session::Session;

/// An item of a list, whose output is counted.
pub(super) struct Metered<T>(pub(super) T);

impl<T: OutputType> OutputType for Metered<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Ok(session) = ctx.data::<Arc<Session>>() else { return self.0.resolve(ctx, field).await };
        session.meter.check(field)?;
        let value = self.0.resolve(ctx, field).await?;
        session.meter.add(&value);
        Ok(value)
    }
}
