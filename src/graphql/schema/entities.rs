//! Entities: how a router asks for members and roles that other subgraphs refer to.
//!
//! Each representation is answered on its own: an unknown id is null; an unknown type, a malformed representation or a
//! refused account is null with its own error; the others of the list stay.

use std::sync::OnceLock;

use async_graphql::{Any, Context, Object, Result, SimpleObject, Union, Value};

use super::account::account_of;
use super::metered::Metered;
use super::role::Role;
use super::session::Session;
use super::team::Team;
use super::team_member::TeamMember;
use crate::config::FederationConfig;
use crate::graphql::error::Code;
use crate::graphql::error::fault;
use crate::model::Account;

#[derive(Default)]
pub(super) struct Entities;

/// The types that other subgraphs can refer to.
#[derive(Union)]
#[graphql(name = "_Entity")]
#[allow(clippy::large_enum_variant)]
pub(super) enum Entity {
    TeamMember(TeamMember),
    Role(Role),
    Team(Team),
}

/// The subgraph's schema as `_service` tells it, printed when it is first asked for.
pub(in crate::graphql) struct ServedSdl {
    settings: FederationConfig,
    tokens: bool,
    text: OnceLock<String>,
}

impl ServedSdl {
    pub(in crate::graphql) fn new(settings: FederationConfig, tokens: bool) -> Self {
        Self { settings, tokens, text: OnceLock::new() }
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| super::federation_sdl(&self.settings, self.tokens))
    }
}

/// The SDL of this subgraph, for composition.
#[derive(SimpleObject)]
#[graphql(name = "_Service")]
struct Service {
    /// The subgraph's schema.
    sdl: String,
}

#[Object(name = "EntityQuery")]
impl Entities {
    /// For routers: the entities that these representations refer to, in their order.
    #[graphql(name = "_entities")]
    async fn entities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Type name and key fields of each entity.")] representations: Vec<Any>,
    ) -> Vec<Option<Result<Metered<Entity>>>> {
        let lookups = representations.into_iter().map(|representation| async move {
            entity(ctx, representation.0).await.map(|entity| entity.map(Metered)).transpose()
        });
        // All at once, so that they go into one batch.
        futures_util::future::join_all(lookups).await
    }

    /// For composers: this subgraph's schema.
    #[graphql(name = "_service")]
    async fn service(&self, ctx: &Context<'_>) -> Result<Service> {
        let served = ctx.data::<ServedSdl>().map_err(|_| fault(Code::Internal, "internal server error"))?;
        Ok(Service { sdl: served.text().to_owned() })
    }
}

/// The entity that one representation refers to.
#[derive(Clone)]
pub(in crate::graphql) struct Representation {
    pub(in crate::graphql) key: EntityKey,
    pub(in crate::graphql) account: Option<Account>,
}

/// An entity in its account's team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::graphql) enum EntityKey {
    TeamMember(String),
    Role(String),
    /// The team itself.
    Team,
}

impl Representation {
    /// Reads a representation, without looking anything up. `last` is the account of the one before.
    pub(in crate::graphql) fn read(value: &Value, last: Option<&Account>) -> Result<Self> {
        let malformed = |rule: &str| fault(Code::BadUserInput, format!("malformed representation: {rule}"));
        let Value::Object(fields) = value else {
            return Err(malformed("it is not an object"));
        };
        let Some(Value::String(name)) = fields.get("__typename") else {
            return Err(malformed("it has no __typename"));
        };
        let id = || match fields.get("id") {
            Some(Value::String(id)) => Ok(id.clone()),
            Some(Value::Number(id)) if id.is_i64() || id.is_u64() => Ok(id.to_string()),
            _ => Err(malformed("it has no id")),
        };
        let key = match name.as_str() {
            "TeamMember" => EntityKey::TeamMember(id()?),
            "Role" => EntityKey::Role(id()?),
            "Team" if !fields.contains_key("account") => return Err(malformed("it has no account")),
            "Team" => EntityKey::Team,
            _ => return Err(malformed("its __typename is no entity of this subgraph")),
        };
        let account = fields.get("account").map(|account| {
            account_of(account, last).ok_or_else(|| malformed("its account is not an e-mail address and a type"))
        });
        Ok(Self { key, account: account.transpose()? })
    }

    /// What a representation refers to that is like this one, apart from its id.
    pub(in crate::graphql) fn with_id(&self, id: &str) -> Self {
        let key = match &self.key {
            EntityKey::TeamMember(_) => EntityKey::TeamMember(id.to_owned()),
            EntityKey::Role(_) => EntityKey::Role(id.to_owned()),
            EntityKey::Team => EntityKey::Team,
        };
        Self { key, account: self.account.clone() }
    }
}

async fn entity(ctx: &Context<'_>, representation: Value) -> Result<Option<Entity>> {
    let Representation { key, account } = Representation::read(&representation, None)?;
    let view = Session::of(ctx)?.view(account).await?;
    Ok(match key {
        EntityKey::TeamMember(id) => TeamMember::find(&view, &id).map(Entity::TeamMember),
        EntityKey::Role(id) => Role::find(&view, &id).map(Entity::Role),
        EntityKey::Team => Some(Entity::Team(Team::new(&view))),
    })
}
