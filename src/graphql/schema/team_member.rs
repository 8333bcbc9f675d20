//! The member object of the schema: a view of one row of a roster. The scalar fields come from the table in
//! `model::fields`.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::account::Account;
use super::contact::TeamMemberContact;
use super::enums::{ChatTransferPermission, LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};
use super::role::Role;
use super::scalars::{DateTime, Url};
use super::session::{Session, View};
use super::team::Team;
use crate::model;
use crate::model::kinds::{self, FieldKind};
use crate::model::{JsonStr, JsonStrList, member_fields};

pub(super) struct TeamMember {
    view: Arc<View>,
    index: u32,
}

/// A value of the upstream's that this version could not read.
#[derive(SimpleObject)]
#[graphql(tag = "personal-data")]
struct UnrecognizedField {
    /// The field, by its name here; a dotted path inside `contact`.
    field: &'static str,
    /// The upstream's value: a string's characters, or the JSON of anything else. Cut after 1,024 bytes.
    value: String,
}

impl TeamMember {
    /// The member at this index of the roster.
    pub(super) fn new(view: &Arc<View>, index: u32) -> Self {
        view.count_member();
        Self { view: view.clone(), index }
    }

    /// The member with this id, if the team has it.
    pub(super) fn find(view: &Arc<View>, id: &str) -> Option<Self> {
        view.roster.find(id).map(|index| Self::new(view, index))
    }

    fn row(&self) -> model::TeamMember<'_> {
        self.view.roster.member(self.index)
    }
}

/// The output type of a kind of scalar field, and how a value becomes one.
trait OutputKind: FieldKind {
    type Output<'r>;

    fn output<'r>(view: Self::View<'r>) -> Self::Output<'r>;
}

type Output<'r, K> = <K as OutputKind>::Output<'r>;

/// The outputs of all kinds.
macro_rules! outputs {
    ($($kind:ident => $output:ty, $convert:expr;)+) => {$(
        impl OutputKind for kinds::$kind {
            type Output<'r> = $output;

            fn output<'r>(view: Self::View<'r>) -> Self::Output<'r> {
                let convert: fn(Self::View<'r>) -> Self::Output<'r> = $convert;
                convert(view)
            }
        }
    )+};
}

outputs! {
    Text => Cow<'r, str>, JsonStr::plain;
    Url => Url, |url| Url(url.plain().into_owned());
    Id => ID, id;
    Ids => Vec<ID>, |list| list.items().into_iter().map(ID).collect();
    Texts => Vec<String>, JsonStrList::items;
    Integer => i32, |number| number;
    Boolean => bool, |truth| truth;
    Time => DateTime, DateTime;
    LiveAvailability => LiveAvailability, Into::into;
    LeadsVisibility => LeadsVisibility, Into::into;
    TeamMemberStatus => TeamMemberStatus, Into::into;
    UserType => UserType, Into::into;
    ChatTransferPermission => ChatTransferPermission, Into::into;
}

/// The resolvers: those of the table's fields, and those of fields with other shapes.
macro_rules! resolvers {
    ($(($variant:ident, $accessor:ident, $name:tt, $key:tt, $since:ident, $kind:ident, $about:tt))+) => {
/// A person of an account's team. Only the identifier is certain: a field is null where the upstream has nothing, or
/// something that this version cannot read (then `unrecognized` has the text).
#[Object]
impl TeamMember {
    /// The identifier of the member.
    pub(super) async fn id(&self) -> ID {
        id(self.row().id())
    }

    /// The account whose team this member was read from.
    async fn account(&self) -> Account {
        self.view.account().into()
    }

    $(
        #[doc = $about]
        #[graphql(name = $name)]
        async fn $accessor(&self) -> Option<Output<'_, kinds::$kind>> {
            self.row().$accessor().map(<kinds::$kind as OutputKind>::output)
        }
    )+

    /// E-mail address and telephone number. Needs the scope `team:contact:read`; without it null, with one FORBIDDEN error
    /// for all members of a list.
    #[graphql(tag = "personal-data", requires_scopes = "team:contact:read")]
    async fn contact(&self, ctx: &Context<'_>) -> Option<Result<TeamMemberContact>> {
        match Session::of(ctx) {
            Err(error) => Some(Err(error)),
            Ok(session) if session.scopes().contact => self.row().contact().map(|contact| Ok(contact.into())),
            Ok(session) => session.refuse_contact(ctx).map(Err),
        }
    }

    /// The member's role.
    async fn role(&self) -> Option<Role> {
        self.row().role_index().map(|index| Role::new(&self.view, index))
    }

    /// The team that the member was read from: how old it is, and what else is in it.
    async fn team(&self) -> Team {
        Team::new(&self.view)
    }

    /// The identifier of the agency that the member belongs to.
    async fn agency_id(&self) -> Option<ID> {
        self.row().agency_id().map(id)
    }

    /// The fields whose upstream value this version could not read, with the raw text. Contact data, and objects and lists, in
    /// which it may be, are among them only for callers with the scope `team:contact:read`.
    #[graphql(tag = "personal-data")]
    async fn unrecognized(&self, ctx: &Context<'_>) -> Vec<UnrecognizedField> {
        let contact = Session::of(ctx).is_ok_and(|session| session.scopes().contact);
        self.row()
            .unrecognized()
            .iter()
            .filter(|entry| contact || !entry.may_be_contact())
            .map(|entry| UnrecognizedField { field: entry.field, value: entry.value.to_string() })
            .collect()
    }
}
    };
}

member_fields!(resolvers);

fn id(text: JsonStr<'_>) -> ID {
    ID(text.plain().into_owned())
}
