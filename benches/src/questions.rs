//! The questions: many different operations with many different variables, whose answers all have so many members and six
//! fields.

use std::fmt::Write as _;

use serde_json::json;

use crate::load::NUMBER;
use crate::team::{self, Random};

/// How many different operations there are.
pub const OPERATIONS: usize = 1024;

const FIELDS: [&str; 14] = [
    "id",
    "name",
    "picture",
    "liveAvailability",
    "leadsVisibility",
    "status",
    "description",
    "type",
    "unreadMessages",
    "agencyId",
    "whitelabel",
    "createdAt",
    "updatedAt",
    "version",
];

/// Which account a question is about.
#[derive(Clone, Copy)]
pub enum Whose {
    /// One of the few that are warm.
    Warm(usize),
    /// An account that no request has asked for yet.
    Cold,
}

/// The bodies of `count` different requests for the first `members` of a team of that size.
pub fn lists(count: usize, members: usize, whose: impl Fn(usize) -> Whose) -> Vec<String> {
    let email = |whose| match whose {
        Whose::Warm(account) => team::account(account, members),
        Whose::Cold => format!("account-{NUMBER}@m{members}.example"),
    };
    (0..count).map(|n| list(n, members, &email(whose(n)), -(n as i64))).collect()
}

/// The body of the n-th operation, asked of a team of so many members; its answer is the same whatever `least` is, from 0 down.
pub fn list(n: usize, members: usize, email: &str, least: i64) -> String {
    let document = format!(
        "query Q{n}($account: AccountInput!, $least: Int!) {{ teamMembers(account: $account, first: {members}, filter: \
         {{ unreadMessages: {{ gte: $least }} }}) {{ nodes {{ {} }} }} }}",
        six_fields(n)
    );
    let account = json!({ "email": email, "type": "CUSTOMER" });
    json!({ "query": document, "variables": { "account": account, "least": least } }).to_string()
}

/// How many members a team of that size has that no request has asked for yet.
pub fn size(members: usize) -> String {
    let document = "query Size($account: AccountInput!) { teamMembers(account: $account, first: 1) { totalCount } }";
    let account = json!({ "email": format!("account-{NUMBER}@m{members}.example"), "type": "CUSTOMER" });
    json!({ "query": document, "variables": { "account": account } }).to_string()
}

/// The bodies of `count` different requests for the first ten members of fifty teams of a hundred each.
pub fn accounts(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| {
            let mut document = format!("query A{n} {{ ");
            for account in 0..50 {
                let email = team::account(account, 100);
                let _ = write!(
                    document,
                    "a{account}: teamMembers(account: {{ email: \"{email}\", type: CUSTOMER }}, first: 10) {{ nodes {{ {} }} }} ",
                    six_fields(n)
                );
            }
            document.push('}');
            json!({ "query": document }).to_string()
        })
        .collect()
}

/// The bodies of `count` different requests for fifty members by their ids, as a federation router asks; `ids` are those of
/// the account.
pub fn entities(count: usize, account: usize, ids: &[String]) -> Vec<String> {
    (0..count)
        .map(|n| {
            let mut random = Random(n as u64);
            let account = json!({ "email": team::account(account, 100), "type": "CUSTOMER" });
            let representations: Vec<_> = (0..50)
                .map(|_| json!({ "__typename": "TeamMember", "id": random.pick(ids), "account": account }))
                .collect();
            let document = format!(
                "query E{n}($representations: [_Any!]!) {{ _entities(representations: $representations) {{ ... on \
                 TeamMember {{ {} }} }} }}",
                six_fields(n)
            );
            json!({ "query": document, "variables": { "representations": representations } }).to_string()
        })
        .collect()
}

/// Six different fields, one of them under another name.
fn six_fields(n: usize) -> String {
    let mut random = Random(n as u64);
    let mut fields = FIELDS.to_vec();
    let picked: Vec<&str> = (0..6).map(|_| fields.swap_remove(random.below(fields.len() as u64) as usize)).collect();
    format!("f{n}: {}", picked.join(" "))
}
