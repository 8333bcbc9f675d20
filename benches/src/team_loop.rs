//! What a Rust programmer would write by hand: a vector of plain structs, read with serde, and a loop for each question that
//! filters, sorts, groups or looks up and serialises what is asked for. It keeps the rules of the schema: names sort by the root
//! collation, missing values come last, ties are broken by id, and search regards neither case nor accents.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::HashMap;

use anyhow::{Context, Result};
use flowmatix_graphql::model::{LiveAvailability, TeamMemberStatus, Timestamp, UserType, fold_for_search};
use icu_collator::CollatorBorrowed;
use icu_collator::options::CollatorOptions;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize, Serializer};

const COLLATOR: CollatorBorrowed<'static> = CollatorBorrowed::new_root(CollatorOptions::default());

/// How many members a page has.
pub const PAGE: usize = 100;

/// A member, with what the questions need of it.
pub struct Member {
    pub id: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub status: Option<TeamMemberStatus>,
    pub live: Option<LiveAvailability>,
    pub kind: Option<UserType>,
    pub unread: Option<i32>,
    pub role: Option<String>,
    pub created: Option<Time>,
    pub updated: Option<Time>,
    /// Of the name, to sort by, and of name and address, to search: what a loop has that prepares its team for the questions.
    pub sort_key: Box<[u8]>,
    pub folded_name: String,
    pub folded_email: String,
}

/// A time, to compare and to write.
pub struct Time {
    pub at: Timestamp,
    pub text: String,
}

/// A team, by id.
pub struct Team {
    pub members: Vec<Member>,
    places: HashMap<String, usize>,
    /// Whether sort keys and folded texts are taken from the members, instead of being made for each question.
    pub is_prepared: Cell<bool>,
}

/// What to sort by.
#[derive(Clone, Copy)]
pub enum Key {
    Name,
    Status,
    Live,
    Kind,
    Unread,
    Created,
    Updated,
    Id,
}

#[derive(Deserialize)]
struct Body<'b> {
    #[serde(borrow)]
    data: Vec<Row<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'b> {
    #[serde(rename = "_id")]
    id: String,
    name: Option<String>,
    contact: Option<Contact>,
    status: Option<&'b str>,
    live_availability: Option<&'b str>,
    r#type: Option<&'b str>,
    unread_messages: Option<i32>,
    #[serde(rename = "_role")]
    role: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct Contact {
    email: Option<String>,
}

/// Six fields of a member, as they are asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'m> {
    id: &'m str,
    name: Option<&'m str>,
    #[serde(serialize_with = "status")]
    status: Option<TeamMemberStatus>,
    unread_messages: Option<i32>,
    role: Option<RoleNode<'m>>,
    created_at: Option<&'m str>,
}

#[derive(Serialize)]
struct RoleNode<'m> {
    id: &'m str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connection<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    total_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<T> {
    team_members: Connection<T>,
}

#[derive(Serialize)]
struct Entities<'m> {
    _entities: Vec<Option<Node<'m>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group<'m> {
    key: GroupKey<'m>,
    count: usize,
    unread_messages: i64,
}

#[derive(Serialize)]
struct GroupKey<'m> {
    #[serde(serialize_with = "status")]
    status: Option<TeamMemberStatus>,
    role: Option<RoleNode<'m>>,
}

fn status<S: Serializer>(status: &Option<TeamMemberStatus>, to: S) -> Result<S::Ok, S::Error> {
    status.map(TeamMemberStatus::name).serialize(to)
}

impl<'m> From<&'m Member> for Node<'m> {
    fn from(member: &'m Member) -> Self {
        Self {
            id: &member.id,
            name: member.name.as_deref(),
            status: member.status,
            unread_messages: member.unread,
            role: member.role.as_deref().map(|id| RoleNode { id }),
            created_at: member.created.as_ref().map(|time| time.text.as_str()),
        }
    }
}

impl Team {
    /// The team of a body of the upstream's.
    pub fn read(body: &str) -> Result<Self> {
        let body: Body<'_> = serde_json::from_str(body)?;
        let members = body.data.into_iter().map(Member::of).collect::<Result<Vec<_>>>()?;
        let places = members.iter().enumerate().map(|(place, member)| (member.id.clone(), place)).collect();
        Ok(Self { members, places, is_prepared: Cell::new(false) })
    }

    /// The page of a list of members.
    fn page<'m>(page: impl ExactSizeIterator<Item = &'m Member>, total: usize) -> Result<Vec<u8>> {
        let nodes: Vec<Node<'_>> = page.map(Node::from).collect();
        let connection = Connection { total_count: Some(total), nodes: Some(nodes), groups: None };
        Ok(serde_json::to_vec(&Listed { team_members: connection })?)
    }

    /// The first page of the whole team.
    pub fn first(&self) -> Result<Vec<u8>> {
        Self::page(self.members[..PAGE].iter(), self.members.len())
    }

    /// Its last page.
    pub fn last(&self) -> Result<Vec<u8>> {
        Self::page(self.members[self.members.len() - PAGE..].iter(), self.members.len())
    }

    /// The first or the last page of the team in an order, whose keys are descending where they say so.
    pub fn sorted(&self, keys: &[(Key, bool)], last: bool) -> Result<Vec<u8>> {
        let total = self.members.len();
        let range = if last { total - PAGE..total } else { 0..PAGE };
        let has_name = keys.iter().any(|(key, _)| matches!(key, Key::Name));
        if has_name && !self.is_prepared.get() {
            // A sort key for each name costs less than collating names each time that two are compared.
            let with_key = |member| (name_key(member), member);
            let mut list: Vec<(Box<[u8]>, &Member)> = self.members.iter().map(with_key).collect();
            list.sort_by(|(one_key, one), (other_key, other)| compare(keys, (one, one_key), (other, other_key)));
            return Self::page(list[range].iter().map(|(_, member)| *member), total);
        }
        let mut list: Vec<&Member> = self.members.iter().collect();
        list.sort_by(|one, other| compare(keys, (one, &one.sort_key), (other, &other.sort_key)));
        Self::page(list[range].iter().copied(), total)
    }

    /// The first page of the members that meet a condition.
    fn matching(&self, meets: impl Fn(&Member) -> bool) -> Result<Vec<u8>> {
        let list: Vec<&Member> = self.members.iter().filter(|member| meets(member)).collect();
        Self::page(list[..list.len().min(PAGE)].iter().copied(), list.len())
    }

    /// The active members with at least so many unread messages that were created at this time or later.
    pub fn filtered(&self, unread: i32, created: Timestamp) -> Result<Vec<u8>> {
        self.matching(|member| {
            member.status == Some(TeamMemberStatus::Active)
                && member.unread.is_some_and(|own| own >= unread)
                && member.created.as_ref().is_some_and(|own| own.at >= created)
        })
    }

    /// The members with a text in their name.
    pub fn named(&self, text: &str) -> Result<Vec<u8>> {
        let folded = fold_for_search(text);
        let finder = Finder::new(&folded);
        self.matching(|member| self.name_has(member, &finder))
    }

    /// The members with a text in their name or their address.
    pub fn searched(&self, text: &str) -> Result<Vec<u8>> {
        let folded = fold_for_search(text);
        let finder = Finder::new(folded.trim());
        self.matching(|member| {
            self.name_has(member, &finder)
                || if self.is_prepared.get() {
                    finder.find(member.folded_email.as_bytes()).is_some()
                } else {
                    member.email.as_ref().is_some_and(|email| finder.find(fold_for_search(email).as_bytes()).is_some())
                }
        })
    }

    fn name_has(&self, member: &Member, finder: &Finder<'_>) -> bool {
        if self.is_prepared.get() {
            finder.find(member.folded_name.as_bytes()).is_some()
        } else {
            member.name.as_ref().is_some_and(|name| finder.find(fold_for_search(name).as_bytes()).is_some())
        }
    }

    /// The members counted by status and role.
    pub fn grouped(&self) -> Result<Vec<u8>> {
        let mut groups: HashMap<(Option<TeamMemberStatus>, Option<&str>), (usize, i64)> = HashMap::new();
        for member in &self.members {
            let (count, unread) = groups.entry((member.status, member.role.as_deref())).or_default();
            *count += 1;
            *unread += i64::from(member.unread.unwrap_or(0));
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by(|((one, one_role), _), ((other, other_role), _)| {
            nulls_last(one.as_ref(), other.as_ref(), false).then_with(|| nulls_last(*one_role, *other_role, false))
        });
        let group = |((status, role), (count, unread_messages)): ((_, Option<_>), _)| {
            let key = GroupKey { status, role: role.map(|id| RoleNode { id }) };
            Group { key, count, unread_messages }
        };
        let groups: Vec<Group<'_>> = groups.into_iter().map(group).collect();
        let connection = Connection { total_count: None, nodes: None, groups: Some(groups) };
        Ok(serde_json::to_vec(&Listed { team_members: connection })?)
    }
}

/// What the representations of a request refer to, in the teams of several accounts.
pub fn entities(teams: &HashMap<(String, UserType), &Team>, representations: &[serde_json::Value]) -> Result<Vec<u8>> {
    let entity = |representation: &serde_json::Value| {
        let (id, account) = (representation["id"].as_str()?, &representation["account"]);
        let email = account["email"].as_str()?.trim().to_lowercase();
        let team = teams.get(&(email, UserType::from_name(account["type"].as_str()?)?))?;
        Some(Node::from(&team.members[*team.places.get(id)?]))
    };
    let entities = Entities { _entities: representations.iter().map(entity).collect() };
    Ok(serde_json::to_vec(&entities)?)
}

impl Member {
    fn of(row: Row<'_>) -> Result<Self> {
        let time = |text: Option<String>| {
            text.map(|text| {
                let at = Timestamp::parse(&text).context("not a time")?;
                anyhow::Ok(Time { at, text })
            })
        };
        let email = row.contact.and_then(|contact| contact.email);
        let mut member = Self {
            id: row.id,
            sort_key: Box::default(),
            folded_name: row.name.as_deref().map(fold_for_search).unwrap_or_default(),
            folded_email: email.as_deref().map(fold_for_search).unwrap_or_default(),
            name: row.name,
            email,
            status: row.status.and_then(TeamMemberStatus::from_name),
            live: row.live_availability.and_then(LiveAvailability::from_name),
            kind: row.r#type.and_then(UserType::from_name),
            unread: row.unread_messages,
            role: row.role,
            created: time(row.created_at).transpose()?,
            updated: time(row.updated_at).transpose()?,
        };
        member.sort_key = name_key(&member);
        Ok(member)
    }
}

/// The bytes that a member's name compares by: its sort key, and behind it the name itself.
fn name_key(member: &Member) -> Box<[u8]> {
    let mut key = Vec::new();
    if let Some(name) = &member.name {
        let Ok(()) = COLLATOR.write_sort_key_to(name, &mut key);
        key.push(0);
        key.extend_from_slice(name.as_bytes());
    }
    key.into()
}

fn compare(keys: &[(Key, bool)], (one, one_name): (&Member, &[u8]), (other, other_name): (&Member, &[u8])) -> Ordering {
    let name = |member: &Member| member.name.is_some();
    for (key, is_descending) in keys {
        let desc = *is_descending;
        let ordering = match key {
            Key::Name => nulls_last(name(one).then_some(one_name), name(other).then_some(other_name), desc),
            Key::Status => nulls_last(one.status, other.status, desc),
            Key::Live => nulls_last(one.live, other.live, desc),
            Key::Kind => nulls_last(one.kind, other.kind, desc),
            Key::Unread => nulls_last(one.unread, other.unread, desc),
            Key::Created => nulls_last(at(&one.created), at(&other.created), desc),
            Key::Updated => nulls_last(at(&one.updated), at(&other.updated), desc),
            Key::Id => nulls_last(Some(&one.id), Some(&other.id), desc),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    one.id.cmp(&other.id)
}

fn at(time: &Option<Time>) -> Option<Timestamp> {
    time.as_ref().map(|time| time.at)
}

fn nulls_last<T: Ord>(one: Option<T>, other: Option<T>, is_descending: bool) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) if is_descending => other.cmp(&one),
        (Some(one), Some(other)) => one.cmp(&other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}
