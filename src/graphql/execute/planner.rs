//! Planning: an operation becomes a plan, where every field in it is plain data.
//!
//! An operation with anything else (introspection, `_service`, whatever the validator would refuse) has none, and the engine
//! executes it. A test walks the schema and finds each of its fields here.

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, SelectionSet};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value;

use super::collect::{Collected, Collector};
use super::plan::{
    Account, Argument, Connection, Contact, Edge, Item, ListSlot, Member, Object, PageInfo, Phone, Plan, Role, Root,
    SkippedRow, Unrecognized,
};

impl Plan {
    /// The plan of an operation, with its conditions decided; `None` when there is something in it that is not plain data.
    pub(super) fn of(
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        truths: &dyn Fn(&Name) -> Option<bool>,
    ) -> Option<Self> {
        if operation.ty != OperationType::Query || !operation.directives.is_empty() {
            return None;
        }
        let mut planner = Planner { collector: Collector::new(document, truths), lists: Vec::new(), cursors: false };
        let roots = planner.object(&[&operation.selection_set.node], "Query", "Query", Planner::root)?;
        Some(Self { roots, lists: planner.lists, cursors: planner.cursors })
    }
}

struct Planner<'d> {
    collector: Collector<'d>,
    lists: Vec<ListSlot>,
    cursors: bool,
}

impl<'d> Planner<'d> {
    /// The fields of an object of type `on`, each made by `field`. `__typename` is the same for each, and becomes text.
    fn object<F>(
        &mut self,
        sets: &[&'d SelectionSet],
        on: &str,
        or: &str,
        field: impl Fn(&mut Self, &Collected<'d>) -> Option<F>,
    ) -> Option<Object<F>> {
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
            fields.push(Item { head, key: collected.key.into(), pos: collected.pos, field });
        }
        head.push('}');
        Some(Object { fields, tail: head.into() })
    }

    fn root(&mut self, field: &Collected<'d>) -> Option<Root> {
        composite(field)?;
        let account = |arguments: &mut Arguments| arguments.take("account");
        let mut arguments = Arguments::of(field);
        let root = match field.name {
            "teamMembers" => Root::TeamMembers {
                account: account(&mut arguments),
                list: self.list(&mut arguments),
                fields: self.connection(field)?,
            },
            "teamMember" => Root::TeamMember {
                id: arguments.take("id"),
                account: account(&mut arguments),
                fields: self.object(&field.below, "TeamMember", "TeamMember", Self::member)?,
            },
            "roles" => Root::Roles {
                account: account(&mut arguments),
                fields: self.object(&field.below, "Role", "Role", Self::role)?,
            },
            "role" => Root::Role {
                id: arguments.take("id"),
                account: account(&mut arguments),
                fields: self.object(&field.below, "Role", "Role", Self::role)?,
            },
            "_entities" => Root::Entities {
                representations: arguments.take("representations"),
                member: self.object(&field.below, "TeamMember", "_Entity", Self::member)?,
                role: self.object(&field.below, "Role", "_Entity", Self::role)?,
            },
            _ => return None,
        };
        arguments.is_empty().then_some(root)
    }

    fn connection(&mut self, field: &Collected<'d>) -> Option<Object<Connection>> {
        self.object(&field.below, "TeamMemberConnection", "TeamMemberConnection", |planner, field| match field.name {
            "totalCount" => plain(field, Connection::TotalCount),
            "fetchedAt" => plain(field, Connection::FetchedAt),
            "stale" => plain(field, Connection::Stale),
            "nodes" => Some(Connection::Nodes(planner.nested(field, "TeamMember", Self::member)?)),
            "edges" => Some(Connection::Edges(planner.nested(field, "TeamMemberEdge", Self::edge)?)),
            "pageInfo" => Some(Connection::PageInfo(planner.nested(field, "PageInfo", Self::page_info)?)),
            "skippedRows" => {
                Some(Connection::SkippedRows(planner.nested(field, "SkippedRow", |_, field| match field.name {
                    "index" => plain(field, SkippedRow::Index),
                    "reason" => plain(field, SkippedRow::Reason),
                    _ => None,
                })?))
            }
            _ => None,
        })
    }

    fn edge(&mut self, field: &Collected<'d>) -> Option<Edge> {
        match field.name {
            "cursor" => {
                self.cursors = true;
                plain(field, Edge::Cursor)
            }
            "node" => Some(Edge::Node(self.nested(field, "TeamMember", Self::member)?)),
            _ => None,
        }
    }

    fn page_info(&mut self, field: &Collected<'d>) -> Option<PageInfo> {
        self.cursors |= field.name.ends_with("Cursor");
        match field.name {
            "hasNextPage" => plain(field, PageInfo::HasNextPage),
            "hasPreviousPage" => plain(field, PageInfo::HasPreviousPage),
            "startCursor" => plain(field, PageInfo::StartCursor),
            "endCursor" => plain(field, PageInfo::EndCursor),
            _ => None,
        }
    }

    fn member(&mut self, field: &Collected<'d>) -> Option<Member> {
        let leaf = match field.name {
            "account" => return Some(Member::Account(self.account(field)?)),
            "contact" => return Some(Member::Contact(self.nested(field, "TeamMemberContact", Self::contact)?)),
            "role" => return Some(Member::Role(self.nested(field, "Role", Self::role)?)),
            "unrecognized" => {
                let fields = self.nested(field, "UnrecognizedField", |_, field| match field.name {
                    "field" => plain(field, Unrecognized::Field),
                    "value" => plain(field, Unrecognized::Value),
                    _ => None,
                });
                return Some(Member::Unrecognized(fields?));
            }
            "id" => Member::Id,
            "name" => Member::Name,
            "picture" => Member::Picture,
            "liveAvailability" => Member::LiveAvailability,
            "leadsVisibility" => Member::LeadsVisibility,
            "status" => Member::Status,
            "description" => Member::Description,
            "type" => Member::Type,
            "unreadMessages" => Member::UnreadMessages,
            "agencyId" => Member::AgencyId,
            "whitelabel" => Member::Whitelabel,
            "createdAt" => Member::CreatedAt,
            "updatedAt" => Member::UpdatedAt,
            "version" => Member::Version,
            "assignedBotIds" => Member::AssignedBotIds,
            "assignedAiAgentIds" => Member::AssignedAiAgentIds,
            "departmentIds" => Member::DepartmentIds,
            "businessHoursId" => Member::BusinessHoursId,
            "chatTransferPermission" => Member::ChatTransferPermission,
            "maskedAttributes" => Member::MaskedAttributes,
            _ => return None,
        };
        plain(field, leaf)
    }

    fn account(&mut self, field: &Collected<'d>) -> Option<Object<Account>> {
        self.nested(field, "Account", |_, field| match field.name {
            "email" => plain(field, Account::Email),
            "type" => plain(field, Account::Type),
            _ => None,
        })
    }

    fn contact(&mut self, field: &Collected<'d>) -> Option<Contact> {
        match field.name {
            "id" => plain(field, Contact::Id),
            "email" => plain(field, Contact::Email),
            "phone" => Some(Contact::Phone(self.nested(field, "TeamMemberPhone", |_, field| match field.name {
                "prefix" => plain(field, Phone::Prefix),
                "number" => plain(field, Phone::Number),
                "e164" => plain(field, Phone::E164),
                _ => None,
            })?)),
            _ => None,
        }
    }

    fn role(&mut self, field: &Collected<'d>) -> Option<Role> {
        match field.name {
            "id" => plain(field, Role::Id),
            "memberCount" => plain(field, Role::MemberCount),
            "account" => Some(Role::Account(self.account(field)?)),
            "members" => {
                composite(field)?;
                let mut arguments = Arguments::of(field);
                let list = self.list(&mut arguments);
                let fields = self.connection(field)?;
                arguments.is_empty().then_some(Role::Members { list, fields })
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
    ) -> Option<Object<F>> {
        composite(collected)?;
        if !collected.arguments.is_empty() {
            return None;
        }
        self.object(&collected.below, on, on, field)
    }

    fn list(&mut self, arguments: &mut Arguments<'d>) -> usize {
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
struct Arguments<'d>(Vec<&'d (Positioned<Name>, Positioned<Value>)>);

impl<'d> Arguments<'d> {
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
pub(super) fn has_variables(value: &Value) -> bool {
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
