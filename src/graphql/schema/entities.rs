//! Entities: how a router asks for members and roles that other subgraphs refer to.
//!
//! Each representation is answered on its own: an unknown id is null; an unknown type, a malformed representation or a
//! refused account is null with its own error; the others of the list stay.

use std::borrow::Cow;
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
pub(in crate::graphql) struct Representation<'v> {
    pub(in crate::graphql) entity: EntityType,
    /// Its id in its account's team; a team has none.
    pub(in crate::graphql) id: Cow<'v, str>,
    pub(in crate::graphql) account: Option<Account>,
}

/// A type of entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graphql) enum EntityType {
    TeamMember,
    Role,
    Team,
}

impl EntityType {
    /// As the schema has it.
    pub(in crate::graphql) fn name(self) -> &'static str {
        match self {
            Self::TeamMember => "TeamMember",
            Self::Role => "Role",
            Self::Team => "Team",
        }
    }
}

impl<'v> Representation<'v> {
    /// Reads a representation, without looking anything up. `last` is the account of the one before.
    pub(in crate::graphql) fn read(value: &'v Value, last: Option<&Account>) -> Result<Self> {
        let malformed = |rule: &str| fault(Code::BadUserInput, format!("malformed representation: {rule}"));
        let Value::Object(fields) = value else {
            return Err(malformed("it is not an object"));
        };
        let Some(Value::String(name)) = fields.get("__typename") else {
            return Err(malformed("it has no __typename"));
        };
        let id = || match fields.get("id") {
            Some(Value::String(id)) => Ok(Cow::Borrowed(id.as_str())),
            Some(Value::Number(id)) if id.is_i64() || id.is_u64() => Ok(id.to_string().into()),
            _ => Err(malformed("it has no id")),
        };
        let (entity, id) = match name.as_str() {
            "TeamMember" => (EntityType::TeamMember, id()?),
            "Role" => (EntityType::Role, id()?),
            "Team" if !fields.contains_key("account") => return Err(malformed("it has no account")),
            "Team" => (EntityType::Team, Cow::Borrowed("")),
            _ => return Err(malformed("its __typename is no entity of this subgraph")),
        };
        let account = fields.get("account").map(|account| {
            account_of(account, last).ok_or_else(|| malformed("its account is not an e-mail address and a type"))
        });
        Ok(Self { entity, id, account: account.transpose()? })
    }
}

async fn entity(ctx: &Context<'_>, representation: Value) -> Result<Option<Entity>> {
    let Representation { entity, id, account } = Representation::read(&representation, None)?;
    let view = Session::of(ctx)?.view(account).await?;
    Ok(match entity {
        EntityType::TeamMember => TeamMember::find(&view, &id).map(Entity::TeamMember),
        EntityType::Role => Role::find(&view, &id).map(Entity::Role),
        EntityType::Team => Some(Entity::Team(Team::new(&view))),
    })
}
