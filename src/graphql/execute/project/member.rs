//! A member's fields, as JSON.

use std::sync::Arc;

use async_graphql::Pos;

use super::projector::{Segment, Writer};
use crate::graphql::error::contact_forbidden;
use crate::graphql::json;
use crate::graphql::plan::plan::{
    ContactField, MemberField, PhoneField, PlannedField, PlannedObject, UnrecognizedEntryField,
};
use crate::graphql::schema::View;
use crate::model;
use crate::model::{JsonStr, JsonStrList};

impl<'p> Writer<'p> {
    pub(in crate::graphql::execute) fn member(
        &mut self,
        fields: &'p PlannedObject<MemberField>,
        view: &Arc<View>,
        place: u32,
    ) {
        let row = view.roster.member(place);
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
            MemberField::Name => text(out, row.name()),
            MemberField::Picture => text(out, row.picture()),
            MemberField::LiveAvailability => json_or_null(out, row.live_availability().map(|value| value.json())),
            MemberField::LeadsVisibility => json_or_null(out, row.leads_visibility().map(|value| value.json())),
            MemberField::Status => json_or_null(out, row.status().map(|value| value.json())),
            MemberField::Description => text(out, row.description()),
            MemberField::Type => json_or_null(out, row.user_type().map(|value| value.json())),
            MemberField::UnreadMessages => integer(out, row.unread_messages()),
            MemberField::AgencyId => text(out, row.agency_id()),
            MemberField::Whitelabel => or_null(out, row.whitelabel(), json::boolean),
            MemberField::CreatedAt => or_null(out, row.created_at(), json::moment),
            MemberField::UpdatedAt => or_null(out, row.updated_at(), json::moment),
            MemberField::Version => integer(out, row.version()),
            MemberField::AssignedBotIds => texts(out, row.assigned_bot_ids()),
            MemberField::AssignedAiAgentIds => texts(out, row.assigned_ai_agent_ids()),
            MemberField::DepartmentIds => texts(out, row.department_ids()),
            MemberField::BusinessHoursId => text(out, row.business_hours_id()),
            MemberField::ChatTransferPermission => {
                json_or_null(out, row.chat_transfer_permission().map(|value| value.json()))
            }
            MemberField::MaskedAttributes => texts(out, row.masked_attributes()),
            MemberField::Account(fields) => self.account(fields, view),
            MemberField::Role(fields) => match row.role_place() {
                Some(place) => self.at(&item.key, |writer| writer.role(fields, view, place)),
                None => json::null(out),
            },
            MemberField::Contact(_) if !self.terms.contact => {
                self.at(&item.key, |writer| writer.refuse_contact(item.pos))
            }
            MemberField::Contact(fields) => match row.contact() {
                None => json::null(out),
                Some(contact) => self.contact(fields, contact),
            },
            MemberField::Unrecognized(fields) => {
                let contact = self.terms.contact;
                let shown = row.unrecognized().iter().filter(|entry| contact || !entry.is_contact());
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
            self.fail(pos, contact_forbidden());
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

fn json_or_null(out: &mut Vec<u8>, value: Option<&'static str>) {
    json::raw(out, value.unwrap_or("null"));
}

fn integer(out: &mut Vec<u8>, number: Option<i32>) {
    or_null(out, number, |out, number| json::integer(out, number.into()));
}

fn texts(out: &mut Vec<u8>, list: Option<JsonStrList<'_>>) {
    or_null(out, list, |out, list| json::raw(out, list.json()));
}
