//! Projection of members: writes a member's selected fields as JSON, each by its kind. Contact data is written only
//! where the caller's scopes allow it.

use std::sync::Arc;

use async_graphql::Pos;

use super::projector::AnswerWriter;
use crate::graphql::error::contact_forbidden;
use crate::graphql::execute::answer_errors::Segment;
use crate::graphql::json;
use crate::graphql::plan::plan::{
    ContactField, MemberField, PhoneField, PlannedField, PlannedObject, UnrecognizedEntryField,
};
use crate::graphql::schema::View;
use crate::model;
use crate::model::kinds::{self, FieldKind};
use crate::model::{JsonStr, Page, ScalarField, member_fields};

/// So many members are brought near at once: as many as a processor waits for together, and so few that the first are still near
/// when they are written.
pub(super) const TOGETHER: usize = 32;

impl<'p> AnswerWriter<'p> {
    /// Writes the `n`th member of a page.
    pub(super) fn paged_member(
        &mut self,
        fields: &'p PlannedObject<MemberField>,
        view: &Arc<View>,
        page: &Page,
        n: usize,
    ) {
        if n.is_multiple_of(TOGETHER) {
            view.roster.bring_near(&page.members[n..page.members.len().min(n + TOGETHER)]);
        }
        self.member(fields, view, page.members[n]);
    }

    pub(in crate::graphql::execute) fn member(
        &mut self,
        fields: &'p PlannedObject<MemberField>,
        view: &Arc<View>,
        index: u32,
    ) {
        self.members += 1;
        let row = view.roster.member(index);
        for item in &fields.fields {
            item.head.write(&mut self.out);
            self.member_field(item, view, row);
        }
        fields.tail.write(&mut self.out);
    }

    fn member_field(&mut self, item: &'p PlannedField<MemberField>, view: &Arc<View>, row: model::TeamMember<'_>) {
        let out = &mut self.out;
        match &item.field {
            MemberField::Id => json::raw(out, row.id().json()),
            MemberField::Scalar(field) => scalar(out, row, *field),
            MemberField::AgencyId => or_null(out, row.agency_id(), <kinds::Id as WriteKind>::write),
            MemberField::Account(fields) => self.account(fields, view),
            MemberField::Role(fields) => match row.role_index() {
                Some(index) => self.at(&item.key, |writer| writer.role(fields, view, index)),
                None => json::null(out),
            },
            MemberField::Team(fields) => self.at(&item.key, |writer| writer.team(fields, view)),
            MemberField::Contact(_) if !self.terms.contact => {
                self.at(&item.key, |writer| writer.refuse_contact(item.pos))
            }
            MemberField::Contact(fields) => match row.contact() {
                None => json::null(out),
                Some(contact) => self.contact(fields, contact),
            },
            MemberField::Unrecognized(fields) => {
                let contact = self.terms.contact;
                let shown = row.unrecognized().iter().filter(|entry| contact || !entry.may_be_contact());
                self.array(shown, |writer, entry| {
                    writer.object(fields, |writer, item| match item.field {
                        UnrecognizedEntryField::Field => json::string(&mut writer.out, entry.field),
                        UnrecognizedEntryField::Value => json::string(&mut writer.out, &entry.value),
                    });
                });
            }
        }
    }

    /// Null, and why; once for all members that this field is written for.
    fn refuse_contact(&mut self, pos: Pos) {
        let names = self.path.iter().filter_map(|segment| match segment {
            Segment::Key(name) => Some(*name),
            Segment::Index(_) => None,
        });
        if self.refused.insert(names.collect()) {
            self.fail(pos, &contact_forbidden());
        } else {
            json::null(&mut self.out);
        }
    }

    fn contact(&mut self, fields: &'p PlannedObject<ContactField>, contact: model::Contact<'_>) {
        self.object(fields, |writer, item| match &item.field {
            ContactField::Id => text(&mut writer.out, contact.id()),
            ContactField::Email => text(&mut writer.out, contact.email()),
            ContactField::Phone(fields) => match contact.phone() {
                None => json::null(&mut writer.out),
                Some(phone) => writer.object(fields, |writer, item| match item.field {
                    PhoneField::Prefix => text(&mut writer.out, phone.prefix()),
                    PhoneField::Number => text(&mut writer.out, phone.number()),
                    PhoneField::E164 => or_null(&mut writer.out, phone.e164(), |out, text| json::string(out, &text)),
                }),
            },
        });
    }
}

fn or_null<T>(out: &mut Vec<u8>, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        Some(value) => write(out, value),
        None => json::null(out),
    }
}

fn text(out: &mut Vec<u8>, text: Option<JsonStr<'_>>) {
    or_null(out, text, |out, text| json::raw(out, text.json()));
}

/// How the values of a kind are written as JSON.
trait WriteKind: FieldKind {
    fn write(out: &mut Vec<u8>, view: Self::View<'_>);
}

/// The writers of all kinds.
macro_rules! writers {
    ($($kind:ident: $write:expr;)+) => {$(
        impl WriteKind for kinds::$kind {
            fn write(out: &mut Vec<u8>, view: Self::View<'_>) {
                let write: fn(&mut Vec<u8>, Self::View<'_>) = $write;
                write(out, view);
            }
        }
    )+};
}

writers! {
    Text: |out, text| json::raw(out, text.json());
    Url: |out, text| json::raw(out, text.json());
    Id: |out, text| json::raw(out, text.json());
    Ids: |out, list| json::raw(out, list.json());
    Texts: |out, list| json::raw(out, list.json());
    Integer: |out, number| json::integer(out, number.into());
    Boolean: json::boolean;
    Time: json::timestamp;
    LiveAvailability: |out, value| json::raw(out, value.json());
    LeadsVisibility: |out, value| json::raw(out, value.json());
    TeamMemberStatus: |out, value| json::raw(out, value.json());
    UserType: |out, value| json::raw(out, value.json());
    ChatTransferPermission: |out, value| json::raw(out, value.json());
}

/// Writes a scalar field by the kind that the table gives it.
macro_rules! write_scalar {
    ($(($variant:ident, $accessor:ident, $name:tt, $key:tt, $since:ident, $kind:ident, $about:tt))+) => {
        fn scalar(out: &mut Vec<u8>, row: model::TeamMember<'_>, field: ScalarField) {
            match field {
                $(ScalarField::$variant => or_null(out, row.$accessor(), <kinds::$kind as WriteKind>::write),)+
            }
        }
    };
}

member_fields!(write_scalar);
