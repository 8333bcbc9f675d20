//! A member, as a view of one row of a roster.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::account::Account;
use super::contact::TeamMemberContact;
use super::enums::{ChatTransferPermission, LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};
use super::role::Role;
use super::scalars::{DateTime, Url};
use super::session::{Session, View};
use crate::model;
use crate::model::{JsonStr, JsonStrList};

pub(super) struct TeamMember {
    view: Arc<View>,
    place: u32,
}

/// A value of the upstream's that this version could not read.
#[derive(SimpleObject)]
struct UnrecognizedField {
    /// The field, by its name here; a dotted path inside `contact`.
    field: &'static str,
    /// The upstream's value: a string's characters, or the JSON of anything else. Cut after 1,024 bytes.
    value: String,
}

impl TeamMember {
    /// The member at this place of the roster.
    pub(super) fn new(view: &Arc<View>, place: u32) -> Self {
        Self { view: view.clone(), place }
    }

    /// The member with this id, if the team has it.
    pub(super) fn find(view: &Arc<View>, id: &str) -> Option<Self> {
        view.roster.find(id).map(|place| Self::new(view, place))
    }

    fn row(&self) -> model::TeamMember<'_> {
        self.view.roster.member(self.place)
    }
}

/// A person of an account's team. Only the identifier is certain: a field is null where the upstream has nothing, or
/// something that this version cannot read (then `unrecognized` has the text).
#[Object]
impl TeamMember {
    /// The identifier of the member.
    async fn id(&self) -> ID {
        id(self.row().id())
    }

    /// The account whose team this member was read from.
    async fn account(&self) -> Account {
        self.view.account().into()
    }

    /// The name.
    async fn name(&self) -> Option<Cow<'_, str>> {
        self.row().name().map(JsonStr::plain)
    }

    /// E-mail address and telephone number. Needs the scope `team:contact:read`; without it null, with one FORBIDDEN error
    /// for all members of a list.
    #[graphql(tag = "personal-data")]
    async fn contact(&self, ctx: &Context<'_>) -> Option<Result<TeamMemberContact>> {
        match Session::of(ctx) {
            Err(error) => Some(Err(error)),
            Ok(session) if session.scopes().contact => self.row().contact().map(|contact| Ok(contact.into())),
            Ok(session) => session.refuse_contact(ctx).map(Err),
        }
    }

    /// The profile picture.
    async fn picture(&self) -> Option<Url> {
        self.row().picture().map(|url| Url(url.plain().into_owned()))
    }

    /// Whether the member can be reached in live chat right now.
    async fn live_availability(&self) -> Option<LiveAvailability> {
        self.row().live_availability().map(Into::into)
    }

    /// Which leads the member sees.
    async fn leads_visibility(&self) -> Option<LeadsVisibility> {
        self.row().leads_visibility().map(Into::into)
    }

    /// Whether the member's access is switched on.
    async fn status(&self) -> Option<TeamMemberStatus> {
        self.row().status().map(Into::into)
    }

    /// A free text about the member, often empty.
    async fn description(&self) -> Option<Cow<'_, str>> {
        self.row().description().map(JsonStr::plain)
    }

    /// The kind of user.
    #[graphql(name = "type")]
    async fn user_type(&self) -> Option<UserType> {
        self.row().user_type().map(Into::into)
    }

    /// How many messages the member has not read.
    async fn unread_messages(&self) -> Option<i32> {
        self.row().unread_messages()
    }

    /// The member's role.
    async fn role(&self) -> Option<Role> {
        self.row().role_place().map(|place| Role::new(&self.view, place))
    }

    /// The identifier of the agency that the member belongs to.
    async fn agency_id(&self) -> Option<ID> {
        self.row().agency_id().map(id)
    }

    /// Whether the member belongs to a white label.
    async fn whitelabel(&self) -> Option<bool> {
        self.row().whitelabel()
    }

    /// When the member was created.
    async fn created_at(&self) -> Option<DateTime> {
        self.row().created_at().map(DateTime)
    }

    /// When the member was last changed.
    async fn updated_at(&self) -> Option<DateTime> {
        self.row().updated_at().map(DateTime)
    }

    /// The version number that the upstream keeps of the member.
    async fn version(&self) -> Option<i32> {
        self.row().version()
    }

    /// The identifiers of the bots assigned to the member.
    async fn assigned_bot_ids(&self) -> Option<Vec<ID>> {
        self.row().assigned_bot_ids().map(ids)
    }

    /// The identifiers of the AI agents assigned to the member.
    async fn assigned_ai_agent_ids(&self) -> Option<Vec<ID>> {
        self.row().assigned_ai_agent_ids().map(ids)
    }

    /// The identifiers of the departments that the member belongs to.
    async fn department_ids(&self) -> Option<Vec<ID>> {
        self.row().department_ids().map(ids)
    }

    /// The identifier of the member's business hours.
    async fn business_hours_id(&self) -> Option<ID> {
        self.row().business_hours_id().map(id)
    }

    /// To whom the member may transfer a chat.
    async fn chat_transfer_permission(&self) -> Option<ChatTransferPermission> {
        self.row().chat_transfer_permission().map(Into::into)
    }

    /// The attributes of leads that are masked for the member.
    async fn masked_attributes(&self) -> Option<Vec<String>> {
        self.row().masked_attributes().map(JsonStrList::items)
    }

    /// The fields whose upstream value this version could not read, with the raw text. Contact data is among them only for
    /// callers with the scope `team:contact:read`.
    async fn unrecognized(&self, ctx: &Context<'_>) -> Vec<UnrecognizedField> {
        let contact = Session::of(ctx).is_ok_and(|session| session.scopes().contact);
        self.row()
            .unrecognized()
            .iter()
            .filter(|entry| contact || !entry.is_contact())
            .map(|entry| UnrecognizedField { field: entry.field, value: entry.value.to_string() })
            .collect()
    }
}

fn id(text: JsonStr<'_>) -> ID {
    ID(text.plain().into_owned())
}

fn ids(list: JsonStrList<'_>) -> Vec<ID> {
    list.items().into_iter().map(ID).collect()
}
