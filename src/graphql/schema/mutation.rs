//! The mutation: permanent tokens. It is part of the schema only where the operator has switched it on.

use async_graphql::{Context, Object, Result, SimpleObject};
use secrecy::ExposeSecret;

use super::account::AccountInput;
use super::session::Session;
use crate::graphql::error::{token_forbidden, upstream};
use crate::model;

#[derive(Default)]
pub(in crate::graphql) struct Mutation;

/// Operations that change something. Present only where the operator has set `tokens.enabled`; otherwise the schema that
/// is served has no mutations.
#[Object]
impl Mutation {
    /// Has Flowmatix issue a permanent token for an account. It needs the scope `team:token:issue` (where callers bring a token of
    /// Flowmatix, Flowmatix decides), and is sent with POST, not in a batch. It costs one call of the plan, is never repeated,
    /// and its answer is kept nowhere.
    async fn issue_permanent_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account that the token opens.")] account: AccountInput,
    ) -> Option<Result<PermanentToken>> {
        Some(issue(ctx, account).await)
    }
}

/// A token that opens an account until it is withdrawn at Flowmatix. Treat it like a password.
#[derive(SimpleObject)]
struct PermanentToken {
    /// The token.
    token: String,
    /// Whether Flowmatix says that it can be used.
    active: Option<bool>,
}

async fn issue(ctx: &Context<'_>, account: AccountInput) -> Result<PermanentToken> {
    let session = Session::of(ctx)?;
    if !session.scopes().token {
        return Err(token_forbidden());
    }
    let grant = session.grant(Some(account.into()))?;
    let model::PermanentToken { key, active } =
        session.loader.issue_token(&grant).await.map_err(|error| upstream(&error))?;
    Ok(PermanentToken { token: key.expose_secret().to_owned(), active })
}
