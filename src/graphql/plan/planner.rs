//! Planning: an operation becomes a plan, where every field in it is plain data.
//!
//! An operation with anything else (introspection, `_service`, whatever the validator would refuse) has none, and the engine
//! executes it. A test walks the schema and finds each of its fields here.

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, SelectionSet};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value;

use super::collect::{Collected, Collector};
use super::plan::{
    AccountField, Argument, ConnectionField, ContactField, EdgeField, ListSlot, MemberField, PageInfoField, PhoneField,
    Plan, PlannedField, PlannedObject, RoleField, RootField, SkippedRowField, UnrecognizedEntryField,
};

impl Plan {
    /// The plan of an operation, with its conditions decided; `None` when there is something in it that is not plain data.
    pub(in crate::graphql) fn of(
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        truths: &dyn Fn(&Name) -> Option<bool>,
    ) -> Option<Self> {
        if operation.ty != OperationType::Query || !operation.directives.is_empty() {
            return None;
        }
        let mut planner = Planner { collector: Collector::new(document, truths), lists: Vec::new() };
        let roots = planner.object(&[&operation.selection_set.node], "Query", "Query", Planner::root)?;
        Some(Self { roots, lists: planner.lists })
    }
}

struct Planner<'d> {
    collector: Collector<'d>,
    lists: Vec<ListSlot>,
}

impl<'d> Planner<'d> {
    /// The fields of an object of type `on`, each made by `field`. `__typename` is the same for each, and becomes text.
    fn object<F>(
        &mut self,
        sets: &[&'d SelectionSet],
        on: &str,
        or: &str,
        field: impl Fn(&mut Self, &Collected<'d>) -> Option<F>,
    ) -> Option<PlannedObject<F>> {
        let mut fields = Vec::new();
        let mut head = String::from("{");
        for collected in self.collector.fields(sets, on, or)? {
            if !head.ends_with('{') || !fields.is_empty() {
                head.push(',');
            }
            head.push('"');
            head.push_str(collected.key);
            head.push_str("\":");
            if collected.name == "__typename" {
                leaf(&collected)?;
                head.push('"');
                head.push_str(on);
                head.push('"');
                continue;
            }
            let field = field(self, &collected)?;
            let head = std::mem::take(&mut head).into();
            fields.push(PlannedField { head, key: collected.key.into(), pos: collected.pos, field });
        }
        head.push('}');
        Some(PlannedObject { fields, tail: head.into() })
    }

    fn root(&mut self, field: &Collected<'d>) -> Option<RootField> {
        composite(field)?;
        let account = |arguments: &mut WrittenArguments| arguments.take("account");
        let mut arguments = WrittenArguments::of(field);
        let root = match field.name {
            "teamMembers" => RootField::TeamMembers {
                account: account(&mut arguments),
                list: self.list(&mut arguments),
                fields: self.connection(field)?,
            },
            "teamMember" => RootField::TeamMember {
                id: arguments.take("id"),
                account: account(&mut arguments),
                fields: self.object(&field.below, "TeamMember", "TeamMember", Self::member)?,
            },
            "roles" => RootField::Roles {
                account: account(&mut arguments),
                fields: self.object(&field.below, "Role", "Role", Self::role)?,
            },
            "role" => RootField::Role {
                id: arguments.take("id"),
                account: account(&mut arguments),
                fields: self.object(&field.below, "Role", "Role", Self::role)?,
            },
            "_entities" => RootField::Entities {
                representations: arguments.take("representations"),
                member: self.object(&field.below, "TeamMember", "_Entity", Self::member)?,
                role: self.object(&field.below, "Role", "_Entity", Self::role)?,
            },
            _ => return None,
        };
        arguments.is_empty().then_some(root)
    }

    fn connection(&mut self, field: &Collected<'d>) -> Option<PlannedObject<ConnectionField>> {
        self.object(&field.below, "TeamMemberConnection", "TeamMemberConnection", |planner, field| match field.name {
            "totalCount" => plain(field, ConnectionField::TotalCount),
            "fetchedAt" => plain(field, ConnectionField::FetchedAt),
            "stale" => plain(field, ConnectionField::Stale),
            "nodes" => Some(ConnectionField::Nodes(planner.nested(field, "TeamMember", Self::member)?)),
            "edges" => Some(ConnectionField::Edges(planner.nested(field, "TeamMemberEdge", Self::edge)?)),
            "pageInfo" => Some(ConnectionField::PageInfo(planner.nested(field, "PageInfo", Self::page_info)?)),
            "skippedRows" => {
                Some(ConnectionField::SkippedRows(planner.nested(
                    field,
                    "SkippedRow",
                    |_, field| match field.name {
                        "index" => plain(field, SkippedRowField::Index),
                        "reason" => plain(field, SkippedRowField::Reason),
                        _ => None,
                    },
                )?))
            }
            _ => None,
        })
    }

    fn edge(&mut self, field: &Collected<'d>) -> Option<EdgeField> {
        match field.name {
            "cursor" => plain(field, EdgeField::Cursor),
            "node" => Some(EdgeField::Node(self.nested(field, "TeamMember", Self::member)?)),
            _ => None,
        }
    }

    fn page_info(&mut self, field: &Collected<'d>) -> Option<PageInfoField> {
        match field.name {
            "hasNextPage" => plain(field, PageInfoField::HasNextPage),
            "hasPreviousPage" => plain(field, PageInfoField::HasPreviousPage),
            "startCursor" => plain(field, PageInfoField::StartCursor),
            "endCursor" => plain(field, PageInfoField::EndCursor),
            _ => None,
        }
    }

    fn member(&mut self, field: &Collected<'d>) -> Option<MemberField> {
        let leaf = match field.name {
            "account" => return Some(MemberField::Account(self.account(field)?)),
            "contact" => {
                return Some(MemberField::Contact(self.nested(field, "TeamMemberContact", Self::contact)?));
            }
            "role" => return Some(MemberField::Role(self.nested(field, "Role", Self::role)?)),
            "unrecognized" => {
                let fields = self.nested(field, "UnrecognizedField", |_, field| match field.name {
                    "field" => plain(field, UnrecognizedEntryField::Field),
                    "value" => plain(field, UnrecognizedEntryField::Value),
                    _ => None,
                });
                return Some(MemberField::Unrecognized(fields?));
            }
            "id" => MemberField::Id,
            "name" => MemberField::Name,
            "picture" => MemberField::Picture,
            "liveAvailability" => MemberField::LiveAvailability,
            "leadsVisibility" => MemberField::LeadsVisibility,
            "status" => MemberField::Status,
            "description" => MemberField::Description,
            "type" => MemberField::Type,
            "unreadMessages" => MemberField::UnreadMessages,
            "agencyId" => MemberField::AgencyId,
            "whitelabel" => MemberField::Whitelabel,
            "createdAt" => MemberField::CreatedAt,
            "updatedAt" => MemberField::UpdatedAt,
            "version" => MemberField::Version,
            "assignedBotIds" => MemberField::AssignedBotIds,
            "assignedAiAgentIds" => MemberField::AssignedAiAgentIds,
            "departmentIds" => MemberField::DepartmentIds,
            "businessHoursId" => MemberField::BusinessHoursId,
            "chatTransferPermission" => MemberField::ChatTransferPermission,
            "maskedAttributes" => MemberField::MaskedAttributes,
            _ => return None,
        };
        plain(field, leaf)
    }

    fn account(&mut self, field: &Collected<'d>) -> Option<PlannedObject<AccountField>> {
        self.nested(field, "Account", |_, field| match field.name {
            "email" => plain(field, AccountField::Email),
            "type" => plain(field, AccountField::Type),
            _ => None,
        })
    }

    fn contact(&mut self, field: &Collected<'d>) -> Option<ContactField> {
        match field.name {
            "id" => plain(field, ContactField::Id),
            "email" => plain(field, ContactField::Email),
            "phone" => {
                Some(ContactField::Phone(self.nested(field, "TeamMemberPhone", |_, field| match field.name {
                    "prefix" => plain(field, PhoneField::Prefix),
                    "number" => plain(field, PhoneField::Number),
                    "e164" => plain(field, PhoneField::E164),
                    _ => None,
                })?))
            }
            _ => None,
        }
    }

    fn role(&mut self, field: &Collected<'d>) -> Option<RoleField> {
        match field.name {
            "id" => plain(field, RoleField::Id),
            "memberCount" => plain(field, RoleField::MemberCount),
            "account" => Some(RoleField::Account(self.account(field)?)),
            "members" => {
                composite(field)?;
                let mut arguments = WrittenArguments::of(field);
                let list = self.list(&mut arguments);
                let fields = self.connection(field)?;
                arguments.is_empty().then_some(RoleField::Members { list, fields })
            }
            _ => None,
        }
    }

    /// An object that takes no arguments.
    fn nested<F>(
        &mut self,
        collected: &Collected<'d>,
        on: &str,
        field: impl Fn(&mut Self, &Collected<'d>) -> Option<F>,
    ) -> Option<PlannedObject<F>> {
        composite(collected)?;
        if !collected.arguments.is_empty() {
            return None;
        }
        self.object(&collected.below, on, on, field)
    }

    fn list(&mut self, arguments: &mut WrittenArguments<'d>) -> usize {
        let mut take = |name| arguments.take(name);
        self.lists.push(ListSlot {
            search: take("search"),
            filter: take("filter"),
            order_by: take("orderBy"),
            first: take("first"),
            after: take("after"),
            last: take("last"),
            before: take("before"),
        });
        self.lists.len() - 1
    }
}

/// A field's arguments, of which those that are known are taken out.
struct WrittenArguments<'d>(Vec<&'d (Positioned<Name>, Positioned<Value>)>);

impl<'d> WrittenArguments<'d> {
    fn of(field: &Collected<'d>) -> Self {
        Self(field.arguments.iter().collect())
    }

    fn take(&mut self, name: &str) -> Argument {
        let place = self.0.iter().position(|(known, _)| known.node == name);
        let value = place.map(|place| self.0.swap_remove(place).1.node.clone());
        Argument { has_variables: value.as_ref().is_some_and(has_variables), value }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether there is a variable anywhere in a value.
pub(in crate::graphql) fn has_variables(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(list) => list.iter().any(has_variables),
        Value::Object(fields) => fields.values().any(has_variables),
        _ => false,
    }
}

/// A field without arguments and without anything below it.
fn plain<F>(collected: &Collected, field: F) -> Option<F> {
    leaf(collected).map(|()| field)
}

fn leaf(collected: &Collected) -> Option<()> {
    let bare = collected.arguments.is_empty() && collected.below.iter().all(|set| set.items.is_empty());
    bare.then_some(())
}

/// A field of which something is asked.
fn composite(collected: &Collected) -> Option<()> {
    collected.below.iter().all(|set| !set.items.is_empty()).then_some(())
}
