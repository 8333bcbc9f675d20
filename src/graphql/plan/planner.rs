//! Planning: an operation becomes a plan, with its conditions decided.
//!
//! Types, lists and arguments come from the definitions that the document's fields refer to. What a field of the data is
//! written from is said here, once for each field that is not a member's own. A test walks the schema and finds each of its
//! fields in a plan.

use std::sync::OnceLock;

use apollo_compiler::executable::{Operation, SelectionSet};

use super::collect::{Collected, Collector};
use super::plan::{
    AccountField, Argument, ConnectionField, ContactField, EdgeField, GroupKeyField, GroupResultField, GroupSlot,
    LengthSlot, ListSlot, MemberField, PageInfoField, PhoneField, Plan, PlannedField, PlannedObject, RoleField,
    RootField, SkippedRowField, TeamChangesField, TeamField, UnrecognizedEntryField,
};
use super::weigh::Weigher;
use crate::graphql::language::Document;
use crate::graphql::limits::{OperationArguments, OperationCost, SizeLimits};
use crate::model::ScalarField;

impl Plan {
    /// The plan of an operation; `None` where a condition cannot be decided, or the schema has a field that no plan knows.
    pub(in crate::graphql) fn of(
        document: &Document,
        operation: &Operation,
        truths: &dyn Fn(&str) -> Option<bool>,
        limits: SizeLimits,
    ) -> Option<Self> {
        let collector = Collector::new(document, truths);
        let (mut arguments, cost) = (OperationArguments::default(), OperationCost::default());
        let weigher = Weigher { collector: &collector, arguments: &mut arguments, limits, cost };
        let slots = Slots::default();
        let mut planner = Planner { collector: &collector, weigher, slots, size: 0 };
        let roots = planner.object(&[&operation.selection_set], operation.object_type(), Planner::root)?;
        for field in collector.fields(&[&operation.selection_set], operation.object_type()).ok()? {
            planner.weigher.root(&field, operation.object_type())?;
        }
        let Planner { weigher, slots, size, .. } = planner;
        let cost = weigher.cost;
        let size = size + size_of::<Self>() + slots.size() + cost.size() + arguments.size();
        let Slots { lists, lengths, groups, ids } = slots;
        Some(Self { roots, lists, lengths, groups, ids, arguments, cost, personal_data: OnceLock::new(), size })
    }
}

/// The arguments of fields below the root: each field has a slot of its own, and its values are read once.
#[derive(Default)]
struct Slots {
    lists: Vec<ListSlot>,
    lengths: Vec<LengthSlot>,
    groups: Vec<GroupSlot>,
    ids: Vec<Argument>,
}

impl Slots {
    fn size(&self) -> usize {
        size_of_val(&*self.lists) + size_of_val(&*self.lengths) + size_of_val(&*self.groups) + size_of_val(&*self.ids)
    }
}

struct Planner<'p, 'd> {
    collector: &'p Collector<'d>,
    weigher: Weigher<'p, 'd>,
    slots: Slots,
    /// Memory of the objects so far, in bytes.
    size: usize,
}

impl<'d> Planner<'_, 'd> {
    /// The fields of an object of type `on`, each made by `field`. `__typename` is the same for each, and becomes text.
    fn object<F>(
        &mut self,
        sets: &[&'d SelectionSet],
        on: &str,
        field: impl Fn(&mut Self, &Collected<'d>) -> Option<F>,
    ) -> Option<PlannedObject<F>> {
        let mut fields = Vec::new();
        let mut head = String::from("{");
        for collected in self.collector.fields(sets, on).ok()? {
            if !head.ends_with('{') || !fields.is_empty() {
                head.push(',');
            }
            head.push('"');
            head.push_str(collected.key);
            head.push_str("\":");
            if collected.name() == "__typename" {
                head.push('"');
                head.push_str(on);
                head.push('"');
                continue;
            }
            let field = field(self, &collected)?;
            if collected.arguments_read.get() != collected.field.definition.arguments.len() {
                // An argument that no plan knows: it would be ignored.
                return None;
            }
            self.size += size_of::<PlannedField<F>>() + head.len() + collected.key.len();
            let pos = self.collector.document.pos(collected.field.location());
            let head = std::mem::take(&mut head).into();
            fields.push(PlannedField { head, key: collected.key.into(), pos, field });
        }
        head.push('}');
        self.size += head.len();
        Some(PlannedObject { fields, tail: head.into() })
    }

    /// The objects that a field shows, all of one type.
    fn below<F>(
        &mut self,
        collected: &Collected<'d>,
        field: impl Fn(&mut Self, &Collected<'d>) -> Option<F>,
    ) -> Option<PlannedObject<F>> {
        self.object(&collected.below, collected.type_name(), field)
    }

    fn root(&mut self, field: &Collected<'d>) -> Option<RootField> {
        Some(match field.name() {
            "team" => {
                RootField::Team { account: self.argument(field, "account"), fields: self.below(field, Self::team)? }
            }
            "teamMembers" => RootField::TeamMembers {
                account: self.argument(field, "account"),
                list: self.list(field),
                fields: self.below(field, Self::connection)?,
            },
            "teamMember" => RootField::TeamMember {
                id: self.argument(field, "id"),
                account: self.argument(field, "account"),
                fields: self.below(field, Self::member)?,
            },
            "roles" => RootField::Roles {
                account: self.argument(field, "account"),
                length: self.length(field),
                fields: self.below(field, Self::role)?,
            },
            "role" => RootField::Role {
                id: self.argument(field, "id"),
                account: self.argument(field, "account"),
                fields: self.below(field, Self::role)?,
            },
            "node" => RootField::Node {
                id: self.argument(field, "id"),
                member: self.object(&field.below, "TeamMember", Self::member)?,
                role: self.object(&field.below, "Role", Self::role)?,
            },
            "_entities" => RootField::Entities {
                representations: self.argument(field, "representations"),
                member: self.object(&field.below, "TeamMember", Self::member)?,
                role: self.object(&field.below, "Role", Self::role)?,
                team: self.object(&field.below, "Team", Self::team)?,
            },
            "teamChanges" => RootField::TeamChanges {
                account: self.argument(field, "account"),
                fields: self.below(field, Self::team_changes)?,
            },
            "__schema" | "__type" | "_service" | "issuePermanentToken" => {
                field.arguments_read.set(field.field.definition.arguments.len());
                RootField::Meta
            }
            _ => return None,
        })
    }

    fn team_changes(&mut self, field: &Collected<'d>) -> Option<TeamChangesField> {
        Some(match field.name() {
            "team" => TeamChangesField::Team(self.below(field, Self::team)?),
            "upserted" => TeamChangesField::Upserted(self.below(field, Self::member)?),
            "removedIds" => TeamChangesField::RemovedIds,
            "reset" => TeamChangesField::Reset,
            _ => return None,
        })
    }

    fn connection(&mut self, field: &Collected<'d>) -> Option<ConnectionField> {
        Some(match field.name() {
            "totalCount" => ConnectionField::TotalCount,
            "groups" => ConnectionField::Groups { groups: self.groups(field), fields: self.below(field, Self::group)? },
            "fetchedAt" => ConnectionField::FetchedAt,
            "stale" => ConnectionField::Stale,
            "nodes" => ConnectionField::Nodes(self.below(field, Self::member)?),
            "edges" => ConnectionField::Edges(self.below(field, Self::edge)?),
            "pageInfo" => ConnectionField::PageInfo(self.below(field, Self::page_info)?),
            "skippedRows" => ConnectionField::SkippedRows {
                length: self.length(field),
                fields: self.below(field, Self::skipped_row)?,
            },
            _ => return None,
        })
    }

    fn group(&mut self, field: &Collected<'d>) -> Option<GroupResultField> {
        match field.name() {
            "key" => Some(GroupResultField::Key(self.below(field, Self::group_key)?)),
            "count" => Some(GroupResultField::Count),
            "unreadMessages" => Some(GroupResultField::UnreadMessages),
            _ => None,
        }
    }

    fn group_key(&mut self, field: &Collected<'d>) -> Option<GroupKeyField> {
        Some(match field.name() {
            "type" => GroupKeyField::Type,
            "status" => GroupKeyField::Status,
            "liveAvailability" => GroupKeyField::LiveAvailability,
            "leadsVisibility" => GroupKeyField::LeadsVisibility,
            "role" => GroupKeyField::Role(self.below(field, Self::role)?),
            "whitelabel" => GroupKeyField::Whitelabel,
            _ => return None,
        })
    }

    fn skipped_row(&mut self, field: &Collected<'d>) -> Option<SkippedRowField> {
        match field.name() {
            "index" => Some(SkippedRowField::Index),
            "reason" => Some(SkippedRowField::Reason),
            _ => None,
        }
    }

    fn team(&mut self, field: &Collected<'d>) -> Option<TeamField> {
        Some(match field.name() {
            "account" => TeamField::Account(self.below(field, Self::account)?),
            "members" => TeamField::Members { list: self.list(field), fields: self.below(field, Self::connection)? },
            "member" => TeamField::Member { id: self.id(field), fields: self.below(field, Self::member)? },
            "roles" => TeamField::Roles { length: self.length(field), fields: self.below(field, Self::role)? },
            "role" => TeamField::Role { id: self.id(field), fields: self.below(field, Self::role)? },
            "fetchedAt" => TeamField::FetchedAt,
            "stale" => TeamField::Stale,
            "generation" => TeamField::Generation,
            "skippedRows" => {
                TeamField::SkippedRows { length: self.length(field), fields: self.below(field, Self::skipped_row)? }
            }
            "contactAccess" => TeamField::ContactAccess,
            _ => return None,
        })
    }

    fn edge(&mut self, field: &Collected<'d>) -> Option<EdgeField> {
        match field.name() {
            "cursor" => Some(EdgeField::Cursor),
            "node" => Some(EdgeField::Node(self.below(field, Self::member)?)),
            _ => None,
        }
    }

    fn page_info(&mut self, field: &Collected<'d>) -> Option<PageInfoField> {
        match field.name() {
            "hasNextPage" => Some(PageInfoField::HasNextPage),
            "hasPreviousPage" => Some(PageInfoField::HasPreviousPage),
            "startCursor" => Some(PageInfoField::StartCursor),
            "endCursor" => Some(PageInfoField::EndCursor),
            _ => None,
        }
    }

    fn member(&mut self, field: &Collected<'d>) -> Option<MemberField> {
        Some(match field.name() {
            "account" => MemberField::Account(self.below(field, Self::account)?),
            "contact" => MemberField::Contact(self.below(field, Self::contact)?),
            "role" => MemberField::Role(self.below(field, Self::role)?),
            "team" => MemberField::Team(self.below(field, Self::team)?),
            "unrecognized" => MemberField::Unrecognized(self.below(field, |_, field| match field.name() {
                "field" => Some(UnrecognizedEntryField::Field),
                "value" => Some(UnrecognizedEntryField::Value),
                _ => None,
            })?),
            "id" => MemberField::Id,
            "agencyId" => MemberField::AgencyId,
            name => MemberField::Scalar(ScalarField::from_name(name)?),
        })
    }

    fn account(&mut self, field: &Collected<'d>) -> Option<AccountField> {
        match field.name() {
            "email" => Some(AccountField::Email),
            "type" => Some(AccountField::Type),
            _ => None,
        }
    }

    fn contact(&mut self, field: &Collected<'d>) -> Option<ContactField> {
        match field.name() {
            "id" => Some(ContactField::Id),
            "email" => Some(ContactField::Email),
            "phone" => Some(ContactField::Phone(self.below(field, |_, field| match field.name() {
                "prefix" => Some(PhoneField::Prefix),
                "number" => Some(PhoneField::Number),
                "e164" => Some(PhoneField::E164),
                _ => None,
            })?)),
            _ => None,
        }
    }

    fn role(&mut self, field: &Collected<'d>) -> Option<RoleField> {
        match field.name() {
            "id" => Some(RoleField::Id),
            "memberCount" => Some(RoleField::MemberCount),
            "account" => Some(RoleField::Account(self.below(field, Self::account)?)),
            "team" => Some(RoleField::Team(self.below(field, Self::team)?)),
            "members" => {
                Some(RoleField::Members { list: self.list(field), fields: self.below(field, Self::connection)? })
            }
            _ => None,
        }
    }

    fn argument(&mut self, field: &Collected<'d>, name: &str) -> Argument {
        field.arguments_read.set(field.arguments_read.get() + 1);
        self.weigher.argument(field, name)
    }

    fn list(&mut self, field: &Collected<'d>) -> usize {
        let mut argument = |name| self.argument(field, name);
        let slot = ListSlot {
            search: argument("search"),
            filter: argument("filter"),
            order_by: argument("orderBy"),
            first: argument("first"),
            after: argument("after"),
            last: argument("last"),
            before: argument("before"),
        };
        // Equal lists are one, of which each page is cut once.
        if let Some(known) = self.slots.lists.iter().position(|known| *known == slot) {
            return known;
        }
        self.slots.lists.push(slot);
        self.slots.lists.len() - 1
    }

    fn groups(&mut self, field: &Collected<'d>) -> usize {
        let mut argument = |name| self.argument(field, name);
        let slot = GroupSlot { by: argument("by"), order_by: argument("orderBy"), first: argument("first") };
        self.slots.groups.push(slot);
        self.slots.groups.len() - 1
    }

    fn length(&mut self, field: &Collected<'d>) -> usize {
        let slot =
            LengthSlot { first: self.argument(field, "first"), is_non_null: field.field.definition.ty.is_non_null() };
        self.slots.lengths.push(slot);
        self.slots.lengths.len() - 1
    }

    fn id(&mut self, field: &Collected<'d>) -> usize {
        let id = self.argument(field, "id");
        self.slots.ids.push(id);
        self.slots.ids.len() - 1
    }
}
