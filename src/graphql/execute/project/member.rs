//! A member's fields, as JSON.

use std::sync::Arc;

use async_graphql::Pos;

use super::super::json;
use super::super::plan::{Contact, Item, Member, Object, Phone, Unrecognized};
use super::{Segment, Writer};
use crate::graphql::error::contact_forbidden;
use crate::graphql::schema::View;
use crate::model::{self, Text, TextList};

impl<'p> Writer<'p> {
    pub(super) fn member(&mut self, fields: &'p Object<Member>, view: &Arc<View>, place: u32) {
        let row = view.roster.member(place);
        for item in &fields.fields {
            item.head.write(&mut self.out);
            self.member_field(item, view, row);
        }
        fields.tail.write(&mut self.out);
    }

    fn member_field(&mut self, item: &'p Item<Member>, view: &Arc<View>, row: model::TeamMember<'_>) {
        let out = &mut self.out;
        match &item.field {
            Member::Id => json::raw(out, row.id().json()),
            Member::Name => text(out, row.name()),
            Member::Picture => text(out, row.picture()),
            Member::LiveAvailability => json_or_null(out, row.live_availability().map(|value| value.json())),
            Member::LeadsVisibility => json_or_null(out, row.leads_visibility().map(|value| value.json())),
            Member::Status => json_or_null(out, row.status().map(|value| value.json())),
            Member::Description => text(out, row.description()),
            Member::Type => json_or_null(out, row.user_type().map(|value| value.json())),
            Member::UnreadMessages => integer(out, row.unread_messages()),
            Member::AgencyId => text(out, row.agency_id()),
            Member::Whitelabel => or_null(out, row.whitelabel(), json::boolean),
            Member::CreatedAt => or_null(out, row.created_at(), json::moment),
            Member::UpdatedAt => or_null(out, row.updated_at(), json::moment),
            Member::Version => integer(out, row.version()),
            Member::AssignedBotIds => texts(out, row.assigned_bot_ids()),
            Member::AssignedAiAgentIds => texts(out, row.assigned_ai_agent_ids()),
            Member::DepartmentIds => texts(out, row.department_ids()),
            Member::BusinessHoursId => text(out, row.business_hours_id()),
            Member::ChatTransferPermission => {
                json_or_null(out, row.chat_transfer_permission().map(|value| value.json()))
            }
            Member::MaskedAttributes => texts(out, row.masked_attributes()),
            Member::Account(fields) => self.account(fields, view),
            Member::Role(fields) => match row.role_place() {
                Some(place) => self.at(&item.key, |writer| writer.role(fields, view, place)),
                None => json::null(out),
            },
            Member::Contact(_) if !self.terms.contact => self.at(&item.key, |writer| writer.refuse_contact(item.pos)),
            Member::Contact(fields) => match row.contact() {
                None => json::null(out),
                Some(contact) => self.contact(fields, contact),
            },
            Member::Unrecognized(fields) => {
                let contact = self.terms.contact;
                let shown = row.unrecognized().iter().filter(|entry| contact || !entry.is_contact());
                self.array(shown, |writer, entry| {
                    writer.object(fields, |writer, item| match item.field {
                        Unrecognized::Field => json::string(&mut writer.out, entry.field),
                        Unrecognized::Value => json::string(&mut writer.out, &entry.value),
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

    fn contact(&mut self, fields: &'p Object<Contact>, contact: model::Contact<'_>) {
        self.object(fields, |writer, item| match &item.field {
            Contact::Id => text(&mut writer.out, contact.id()),
            Contact::Email => text(&mut writer.out, contact.email()),
            Contact::Phone(fields) => match contact.phone() {
                None => json::null(&mut writer.out),
                Some(phone) => writer.object(fields, |writer, item| match item.field {
                    Phone::Prefix => text(&mut writer.out, phone.prefix()),
                    Phone::Number => text(&mut writer.out, phone.number()),
                    Phone::E164 => or_null(&mut writer.out, phone.e164(), |out, text| json::string(out, &text)),
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

fn text(out: &mut Vec<u8>, text: Option<Text<'_>>) {
    or_null(out, text, |out, text| json::raw(out, text.json()));
}

fn json_or_null(out: &mut Vec<u8>, value: Option<&'static str>) {
    json::raw(out, value.unwrap_or("null"));
}

fn integer(out: &mut Vec<u8>, number: Option<i32>) {
    or_null(out, number, |out, number| json::integer(out, number.into()));
}

fn texts(out: &mut Vec<u8>, list: Option<TextList<'_>>) {
    or_null(out, list, |out, list| json::raw(out, list.json()));
}
