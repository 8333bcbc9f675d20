//! Properties that hold for any roster, any operation and any bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Datelike;
use flowmatix_graphql::demo::Scripted;
use flowmatix_graphql::model::{
    Account, Cursor, Direction, EmailAddress, Filter, FilterField, IntCondition, Order, OrderField, Page, PageLimits,
    PageRequest, TeamMemberStatus, TextCondition, TimeCondition, Timestamp, UserType,
};
use flowmatix_graphql::upstream::{decode, decode_ahead};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::TestApp;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[abAB åÅ\"\\\\\n]{0,3}", "[a-c]{1,2}", "ß|ẞ|İ|ı|Σ|ς"]
}

/// A row, as its reader would write it down.
#[derive(Clone, Debug)]
struct Person {
    id: String,
    name: Option<String>,
    status: Option<TeamMemberStatus>,
    user_type: Option<UserType>,
    unread_messages: Option<i32>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    role_id: Option<&'static str>,
    whitelabel: Option<bool>,
}

impl Person {
    /// The row as the upstream writes it.
    fn row(&self) -> Value {
        json!({
            "_id": self.id,
            "name": self.name,
            "status": self.status.map(TeamMemberStatus::name),
            "type": self.user_type.map(UserType::name),
            "unreadMessages": self.unread_messages,
            "createdAt": self.created_at.map(|at| at.to_string()),
            "updatedAt": self.updated_at.map(|at| at.to_string()),
            "_role": self.role_id,
            "whitelabel": self.whitelabel,
        })
    }
}

fn person() -> impl Strategy<Value = Person> {
    let id = "[a-d\"][0-9]{0,2}";
    let name = prop::option::of(text());
    let status = prop::option::of(prop::sample::select(TeamMemberStatus::ALL));
    let kind = prop::option::of(prop::sample::select(UserType::ALL.to_vec()));
    let timestamp = || prop::option::of((0_i64..5).prop_map(|n| Timestamp::from_millis(n * 1000).unwrap()));
    let role = prop::option::of(prop::sample::select(vec!["r1", "r2"]));
    (
        id,
        name,
        status,
        kind,
        prop::option::of(0_i32..4),
        timestamp(),
        timestamp(),
        role,
        prop::option::of(any::<bool>()),
    )
        .prop_map(|(id, name, status, user_type, unread_messages, created_at, updated_at, role_id, whitelabel)| {
            Person { id, name, status, user_type, unread_messages, created_at, updated_at, role_id, whitelabel }
        })
}

/// A filter, and what a reader of the schema would take it for.
#[derive(Clone, Debug)]
enum Asked {
    And(Vec<Asked>),
    Or(Vec<Asked>),
    Not(Box<Asked>),
    Id(Vec<String>),
    RoleId(Vec<&'static str>),
    NameIn(Vec<String>),
    NameContains(String),
    NameStartsWith(String),
    Status(Vec<TeamMemberStatus>),
    Type(Vec<UserType>),
    UnreadAtLeast(i32),
    UnreadBelow(i32),
    CreatedAfter(Timestamp),
    CreatedSince(Timestamp),
    UpdatedUntil(Timestamp),
    NameNull(bool),
    NameNotIn(Vec<String>),
    RoleNull(bool),
    RoleNotIn(Vec<&'static str>),
    UnreadNull(bool),
    UpdatedNull(bool),
    Whitelabel(bool),
}

fn filter() -> impl Strategy<Value = Asked> {
    let leaf = prop_oneof![
        prop::collection::vec(text(), 0..3).prop_map(Asked::NameIn),
        text().prop_map(Asked::NameContains),
        text().prop_map(Asked::NameStartsWith),
        prop::collection::vec("[a-d\"][0-9]{0,2}", 0..4).prop_map(Asked::Id),
        prop::collection::vec(prop::sample::select(vec!["r1", "r2", "r3"]), 0..3).prop_map(Asked::RoleId),
        prop::collection::vec(prop::sample::select(TeamMemberStatus::ALL), 0..3).prop_map(Asked::Status),
        prop::collection::vec(prop::sample::select(UserType::ALL.to_vec()), 0..3).prop_map(Asked::Type),
        (0_i32..4).prop_map(Asked::UnreadAtLeast),
        (0_i32..4).prop_map(Asked::UnreadBelow),
        (0_i64..5).prop_map(|n| Asked::CreatedAfter(Timestamp::from_millis(n * 1000).unwrap())),
        any::<bool>().prop_map(Asked::Whitelabel),
        (0_i64..5).prop_map(|n| Asked::CreatedSince(Timestamp::from_millis(n * 1000).unwrap())),
        (0_i64..5).prop_map(|n| Asked::UpdatedUntil(Timestamp::from_millis(n * 1000).unwrap())),
        any::<bool>().prop_map(Asked::NameNull),
        prop::collection::vec(text(), 0..3).prop_map(Asked::NameNotIn),
        any::<bool>().prop_map(Asked::RoleNull),
        prop::collection::vec(prop::sample::select(vec!["r1", "r2", "r3"]), 0..3).prop_map(Asked::RoleNotIn),
        any::<bool>().prop_map(Asked::UnreadNull),
        any::<bool>().prop_map(Asked::UpdatedNull),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Asked::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Asked::Or),
            inner.prop_map(|filter| Asked::Not(Box::new(filter))),
        ]
    })
}

impl Asked {
    fn filter(&self) -> Filter {
        let all = |list: &[Self]| list.iter().map(Self::filter).collect();
        match self {
            Self::And(list) => Filter::And(all(list)),
            Self::Or(list) => Filter::Or(all(list)),
            Self::Not(filter) => Filter::Not(Box::new(filter.filter())),
            Self::Id(ids) => Filter::Id(ids.iter().cloned().collect()),
            Self::RoleId(ids) => Filter::RoleId(ids.iter().copied().collect()),
            Self::NameIn(texts) => Filter::Name(TextCondition::one_of(texts.iter().map(String::as_str))),
            Self::NameContains(text) => Filter::Name(TextCondition::contains(text)),
            Self::NameStartsWith(text) => Filter::Name(TextCondition::starts_with(text)),
            Self::Status(any) => Filter::Status(any.clone()),
            Self::Type(any) => Filter::Type(any.clone()),
            Self::UnreadAtLeast(n) => Filter::UnreadMessages(IntCondition::Gte(*n)),
            Self::UnreadBelow(n) => Filter::UnreadMessages(IntCondition::Lt(*n)),
            Self::CreatedAfter(at) => Filter::CreatedAt(TimeCondition::After(*at)),
            Self::CreatedSince(at) => Filter::CreatedAt(TimeCondition::OnOrAfter(*at)),
            Self::UpdatedUntil(at) => Filter::UpdatedAt(TimeCondition::OnOrBefore(*at)),
            Self::NameNull(null) => Filter::is_null(FilterField::Name, *null),
            Self::NameNotIn(texts) => Self::NameIn(texts.clone()).filter().none_of(FilterField::Name),
            Self::RoleNull(null) => Filter::is_null(FilterField::RoleId, *null),
            Self::RoleNotIn(ids) => Self::RoleId(ids.clone()).filter().none_of(FilterField::RoleId),
            Self::UnreadNull(null) => Filter::is_null(FilterField::UnreadMessages, *null),
            Self::UpdatedNull(null) => Filter::is_null(FilterField::UpdatedAt, *null),
            Self::Whitelabel(value) => Filter::Whitelabel(*value),
        }
    }
}

const FIELDS: [OrderField; 7] = [
    OrderField::Name,
    OrderField::Status,
    OrderField::Type,
    OrderField::UnreadMessages,
    OrderField::CreatedAt,
    OrderField::UpdatedAt,
    OrderField::Id,
];

fn keys() -> impl Strategy<Value = Vec<(OrderField, Direction)>> {
    let direction = prop::sample::select(vec![Direction::Asc, Direction::Desc]);
    prop::collection::vec((prop::sample::select(FIELDS.to_vec()), direction), 0..4)
}

/// Texts of the few characters that names here are made of, written down by hand: without case, and without accents too.
fn folded(text: &str, accents: bool) -> String {
    let mut folded = String::new();
    for c in text.chars() {
        folded += match c {
            'å' | 'Å' if accents => "å",
            'å' | 'Å' | 'a' | 'A' => "a",
            'b' | 'B' => "b",
            'ß' | 'ẞ' => "ss",
            'İ' if accents => "i\u{307}",
            'İ' => "i",
            'ı' if accents => "ı",
            'ı' => "i",
            'Σ' | 'ς' => "σ",
            ' ' | '\n' if !accents && folded.ends_with(' ') => "",
            '\n' if !accents => " ",
            '\n' => "\n",
            ' ' => " ",
            '"' => "\"",
            '\\' => "\\",
            'c' => "c",
            other => unreachable!("{other:?} is not generated"),
        };
    }
    folded
}

/// Where a name of these characters stands among others: by letters, then by accents, then small before large.
fn collated(name: &str) -> [Vec<u32>; 3] {
    let (mut letters, mut accents, mut cases) = (Vec::new(), Vec::new(), Vec::new());
    for c in name.chars() {
        let (letter, accent, case): (&[u32], u32, u32) = match c {
            '\n' => (&[1], 0, 0),
            ' ' => (&[2], 0, 0),
            '"' => (&[3], 0, 0),
            '\\' => (&[4], 0, 0),
            'a' => (&[5], 0, 0),
            'A' => (&[5], 0, 1),
            'å' => (&[5], 1, 0),
            'Å' => (&[5], 1, 1),
            'b' => (&[6], 0, 0),
            'B' => (&[6], 0, 1),
            'c' => (&[7], 0, 0),
            'İ' => (&[8], 1, 1),
            'ı' => (&[9], 0, 0),
            'ß' => (&[10, 10], 0, 0),
            'ẞ' => (&[10, 10], 0, 1),
            'Σ' => (&[11], 0, 1),
            'ς' => (&[11], 0, 2),
            other => unreachable!("{other:?} is not generated"),
        };
        letters.extend(letter);
        accents.push(accent);
        cases.push(case);
    }
    [letters, accents, cases]
}

/// The filter, the way a reader of the schema would write it down.
fn meets(filter: &Asked, member: &Person) -> bool {
    let name = member.name.as_deref();
    match filter {
        Asked::And(all) => !all.iter().any(|filter| !meets(filter, member)),
        Asked::Or(any) => any.iter().any(|filter| meets(filter, member)),
        Asked::Not(filter) => !meets(filter, member),
        Asked::Id(ids) => ids.contains(&member.id),
        Asked::RoleId(ids) => member.role_id.is_some_and(|role| ids.contains(&role)),
        Asked::NameIn(any) => name.is_some_and(|name| any.iter().any(|text| folded(text, true) == folded(name, true))),
        Asked::NameContains(text) => name.is_some_and(|name| folded(name, false).contains(&folded(text, false))),
        Asked::NameStartsWith(text) => name.is_some_and(|name| folded(name, false).starts_with(&folded(text, false))),
        Asked::Status(any) => any.iter().any(|value| Some(*value) == member.status),
        Asked::Type(any) => any.iter().any(|value| Some(*value) == member.user_type),
        Asked::UnreadAtLeast(bound) => member.unread_messages.is_some_and(|n| n >= *bound),
        Asked::UnreadBelow(bound) => member.unread_messages.is_some_and(|n| n < *bound),
        Asked::CreatedAfter(bound) => member.created_at.is_some_and(|at| at > *bound),
        Asked::CreatedSince(at) => member.created_at.is_some_and(|time| time >= *at),
        Asked::UpdatedUntil(at) => member.updated_at.is_some_and(|time| time <= *at),
        Asked::NameNull(null) => name.is_none() == *null,
        Asked::NameNotIn(any) => {
            name.is_some_and(|name| any.iter().all(|text| folded(text, true) != folded(name, true)))
        }
        Asked::RoleNull(null) => member.role_id.is_none() == *null,
        Asked::RoleNotIn(ids) => member.role_id.is_some_and(|role| !ids.contains(&role)),
        Asked::UnreadNull(null) => member.unread_messages.is_none() == *null,
        Asked::UpdatedNull(null) => member.updated_at.is_none() == *null,
        Asked::Whitelabel(value) => member.whitelabel.is_some_and(|flag| flag == *value),
    }
}

/// The list that the schema's words describe: last of the newest rows of an id, filtered, then sorted key by key from the
/// least important one, with the missing at the end.
fn reference(rows: &[Person], filter: &Asked, keys: &[(OrderField, Direction)]) -> Vec<String> {
    let mut list: Vec<&Person> = Vec::new();
    for row in rows {
        match list.iter_mut().find(|known| known.id == row.id) {
            Some(known) if row.updated_at >= known.updated_at => *known = row,
            Some(_) => {}
            None => list.push(row),
        }
    }
    list.retain(|member| meets(filter, member));
    list.sort_by_key(|member| member.id.clone());
    for (field, direction) in keys.iter().rev() {
        // The values as text that sorts the same.
        let key = |member: &Person| match field {
            OrderField::Name => member.name.as_ref().map(|name| (collated(name), name.clone())),
            OrderField::Status => member.status.map(|value| as_text(value as i64)),
            OrderField::Type => member.user_type.map(|value| as_text(value as i64)),
            OrderField::UnreadMessages => member.unread_messages.map(|n| as_text(n.into())),
            OrderField::CreatedAt => member.created_at.map(|at| as_text(at.millis())),
            OrderField::UpdatedAt => member.updated_at.map(|at| as_text(at.millis())),
            OrderField::Id => Some((Default::default(), member.id.clone())),
            OrderField::LiveAvailability => unreachable!("not generated"),
        };
        let (mut there, missing): (Vec<_>, Vec<_>) = list.into_iter().partition(|member| key(member).is_some());
        there.sort_by(|a, b| match direction {
            Direction::Asc => key(a).cmp(&key(b)),
            Direction::Desc => key(b).cmp(&key(a)),
        });
        list = there.into_iter().chain(missing).collect();
    }
    list.into_iter().map(|member| member.id.clone()).collect()
}

fn as_text(number: i64) -> ([Vec<u32>; 3], String) {
    (Default::default(), format!("{number:09}"))
}

proptest! {
    #![proptest_config(Config::with_cases(2000))]

    #[test]
    fn any_filter_order_and_page_equals_the_plain_reference(
        rows in prop::collection::vec(person(), 0..30),
        filter in filter(),
        keys in keys(),
        size in 1_usize..7,
    ) {
        let expected = reference(&rows, &filter, &keys);
        let order = Order::new(keys);
        let limits = PageLimits { default: size, max: 100 };
        let body = json!({ "data": rows.iter().map(Person::row).collect::<Vec<_>>() }).to_string();
        let roster = decode([body.as_bytes()]).unwrap();
        let ids = |page: &[u32]| -> Vec<String> {
            page.iter().map(|index| roster.member(*index).id().plain().into_owned()).collect()
        };
        let filter = filter.filter();
        let page = |request: PageRequest| roster.page(None, Some(&filter), &order, &request, limits, &|| false).unwrap();
        let cursor = |page: &Page, n: usize| page.cursor(&roster, &order, n);
        let length = i32::try_from(size).unwrap();

        // Forwards, page by page, through the cursors.
        let (mut list, mut after) = (Vec::new(), None);
        loop {
            let page = page(PageRequest { first: Some(length), after, ..PageRequest::default() });
            prop_assert_eq!(page.total, expected.len());
            prop_assert_eq!(page.start, list.len());
            list.extend(ids(&page.members));
            prop_assert_eq!(page.has_next(), list.len() < expected.len());
            if !page.has_next() {
                break;
            }
            after = cursor(&page, page.members.len() - 1);
        }
        prop_assert_eq!(&list, &expected);

        // Backwards.
        let (mut list, mut before) = (Vec::<String>::new(), None);
        loop {
            let page = page(PageRequest { last: Some(length), before, ..PageRequest::default() });
            list.splice(0..0, ids(&page.members));
            if !page.has_previous() {
                break;
            }
            before = cursor(&page, 0);
        }
        prop_assert_eq!(&list, &expected);

        // Both ends at once: what lies between two cursors.
        if expected.len() > 2 {
            let all = page(PageRequest { first: Some(100), ..PageRequest::default() });
            let (after, before) = (cursor(&all, 0), cursor(&all, expected.len() - 1));
            let between = PageRequest { first: Some(100), after, before, last: None };
            prop_assert_eq!(ids(&page(between).members), &expected[1..expected.len() - 1]);
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_any_other_text_is_none(
        rows in prop::collection::vec(person(), 1..9),
        keys in keys(),
        other in ".{0,200}",
        at in 0_usize..60,
        bit in 0_u8..8,
    ) {
        let account = |email: &str, user_type| Account { email: EmailAddress::parse(email).unwrap(), user_type };
        let ours = account("a@b.example", UserType::Agent);
        let order = Order::new(keys);
        let body = json!({ "data": rows.iter().map(Person::row).collect::<Vec<_>>() }).to_string();
        let roster = decode([body.as_bytes()]).unwrap();
        let limits = PageLimits { default: 100, max: 100 };
        let page = roster.page(None, None, &order, &PageRequest::default(), limits, &|| false).unwrap();
        for n in 0..page.members.len() {
            let cursor = page.cursor(&roster, &order, n).unwrap();
            let text = cursor.encode(&ours, &order);
            prop_assert_eq!(Cursor::decode(&ours, &order, &text), Ok(cursor));
            prop_assert!(Cursor::decode(&account("a@b.example", UserType::Customer), &order, &text).is_err());
            prop_assert!(Cursor::decode(&account("b@b.example", UserType::Agent), &order, &text).is_err());
            let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(Cursor::decode(&ours, &order, &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }
        prop_assert!(Cursor::decode(&ours, &order, &other).is_err());
    }
}

/// A string as JSON with every character escaped, as some writers do.
fn all_escaped(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{units}\"")
}

/// Pieces of JSON in any order.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "0", "1", "-", "12", ".5", "e", "E+", "9", "\"", "\"a\"", "\"\\n\"", "\\u00e9", "\\u12", "\\x", "\u{1}", "é",
        "[", "]", "{", "}", "{\"k\":", ",", ":", "true", "tru", "false", "null", "nul", " ", "\t", "abcdefgh",
    ]);
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(Config::with_cases(4000))]

    #[test]
    fn a_text_is_kept_as_it_was_written(name in "\\PC{0,12}|[\"\\\\\u{0}-\u{1f}aé🏃]{0,6}", escape: bool, cut in 1_usize..40) {
        let json = if escape { all_escaped(&name) } else { serde_json::to_string(&name).unwrap() };
        let body = format!(r#"{{"data":[{{"_id":"1","name":{json},"maskedAttributes":[{json},null,"x"]}}]}}"#);
        let roster = decode(body.as_bytes().chunks(cut)).unwrap();
        let member = roster.member(0);
        let kept = member.name().unwrap();
        prop_assert_eq!(&kept.plain(), &name);
        prop_assert_eq!(kept.json(), serde_json::to_string(&name).unwrap());
        let expected: Vec<&str> = [&*name, "x"].into_iter().filter(|text| !text.is_empty()).collect();
        let list = member.masked_attributes().unwrap();
        prop_assert_eq!(list.json(), serde_json::to_string(&expected).unwrap());
        prop_assert_eq!(list.items(), expected);
    }

    #[test]
    fn a_timestamp_is_read_as_the_calendar_has_it(text in "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9][.:][0-9]{3}Z") {
        let expected = chrono::DateTime::parse_from_rfc3339(&text).ok().map(|timestamp| timestamp.timestamp_millis());
        prop_assert_eq!(Timestamp::parse(&text).map(Timestamp::millis), expected);
    }

    #[test]
    fn a_row_is_read_exactly_when_it_is_json(value in nearly_json(), cut in 1_usize..40) {
        let body = format!(r#"{{"data":[{{"_id":"1","x":{value}}}]}}"#);
        let read = decode(body.as_bytes().chunks(cut)).is_ok_and(|roster| {
            (roster.len(), roster.skipped_rows().len(), roster.drift().unknown_fields) == (1, 0, 1)
                && roster.drift().duplicate_rows == 0
        });
        prop_assert_eq!(read, serde_json::from_str::<serde::de::IgnoredAny>(&value).is_ok());
    }
}

/// A row whose fields come in any order, are left out, come twice or under an escaped name, with spaces here and there.
fn row() -> impl Strategy<Value = String> {
    const FIELDS: [&str; 16] = [
        r#""_id":"65f1a0c2""#,
        r#""_id" : "65f1a0c3""#,
        r#""name":"Ana""#,
        r#""n\u0061me":"Eva""#,
        r#""contact":{"phone":{"prefix":"91","number":"5"},"_id":"c1"}"#,
        r#""contact":{"_id":"c2","email":"a@example.com","other":1,"phone":{"number":"6"}}"#,
        r#""status": "ACTIVE""#,
        r#""status":"RESTING""#,
        r#""_role":"r1""#,
        r#""_role":"r2""#,
        r#""createdAt":"2024-04-26T17:10:22.134Z""#,
        r#""unreadMessages":7"#,
        r#""unreadMessages":"7""#,
        r#""assignedBots":["a",null,"b"]"#,
        r#""status":null"#,
        r#""other":{"_id":"x","name":[{}]}"#,
    ];
    prop::sample::subsequence(FIELDS.to_vec(), 1..FIELDS.len())
        .prop_shuffle()
        .prop_map(|fields| format!("{{{}}}", fields.join(",")))
}

proptest! {
    #![proptest_config(Config::with_cases(2000))]

    #[test]
    fn a_row_says_the_same_whatever_stood_before_it(rows in prop::collection::vec(row(), 1..12), cut in 1_usize..200) {
        // Each under an id of its own, so that none replaces another.
        let numbered: Vec<String> =
            rows.iter().enumerate().map(|(n, row)| row.replace("65f1a0c", &format!("{n:02}"))).collect();
        let body = format!(r#"{{"data":[{}]}}"#, numbered.join(","));
        let together = decode(body.as_bytes().chunks(cut)).unwrap();
        let ahead = decode_ahead([body.as_bytes()], cut).unwrap();
        prop_assert!(ahead.same_team(&together), "{body}");
        prop_assert_eq!((ahead.drift(), ahead.extent()), (together.drift(), together.extent()));
        let mut alone = 0;
        let mut drift = (0, 0);
        for row in &numbered {
            let roster = decode([format!(r#"{{"data":[{row}]}}"#).as_bytes()]).unwrap();
            drift.0 += roster.drift().unrecognized_values;
            drift.1 += roster.drift().unknown_fields;
            for member in roster.members() {
                let index = together.find(&member.id().plain()).unwrap();
                prop_assert!(together.member(index) == member, "{row} in {body}");
                alone += 1;
            }
        }
        prop_assert_eq!(together.len(), alone);
        prop_assert_eq!((together.drift().unrecognized_values, together.drift().unknown_fields), drift);
    }
}

/// Bodies that are nearly right: an envelope cut, spliced and sprinkled with anything.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let row = r#"{"_id":"65f1a0c2","name":"A \"q\" \u00e9 \ud83d\ude00","contact":{"phone":{"number":"1"}},"unreadMessages":4}"#;
    let whole = format!(r#"{{"success":true,"message":"","data":[{row},{row}],"code":200}}"#).into_bytes();
    let length = whole.len();
    let splice = (0..length, 0..length, prop::collection::vec(any::<u8>(), 0..8)).prop_map(move |(a, b, bytes)| {
        let mut body = whole.clone();
        body.splice(a.min(b)..a.max(b).min(a.min(b) + 12), bytes);
        body
    });
    prop_oneof![8 => splice, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

/// Any bytes as the upstream's body give a team or a code, never a panic, over a real socket.
#[test]
fn any_upstream_body_gives_a_team_or_a_code() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::with(&[("roster.store", "false")]));
    let mut runner = TestRunner::new(Config::with_cases(1500));
    let known = ["UPSTREAM_BAD_RESPONSE", "UPSTREAM_REJECTED", "UPSTREAM_UNAVAILABLE"];
    let result = runner.run(&body(), |body| {
        app.demo.script(None, Some(Scripted::ok(body)));
        let answer = runtime.block_on(app.query("{ teamMembers { totalCount nodes { id name } } }"));
        prop_assert_eq!(answer.status, 200);
        let codes = answer.codes();
        prop_assert!(codes.is_empty() || (codes.len() == 1 && known.contains(&codes[0])), "{:?}", codes);
        prop_assert_eq!(codes.is_empty(), answer.data()["teamMembers"].is_object());
        Ok(())
    });
    result.unwrap();
}

#[test]
fn every_day_of_ten_thousand_years_is_printed_as_the_calendar_has_it() {
    const DAY: i64 = 86_400_000;
    let first = chrono::NaiveDate::from_ymd_opt(0, 1, 1).unwrap();
    let mut days = 0;
    for (day, n) in first.iter_days().zip(0_i64..).take_while(|(day, _)| day.year() < 10_000) {
        // Another time of the day each day.
        let millis = n * 7_919 % DAY;
        let timestamp = Timestamp::from_millis(i64::from(day.to_epoch_days()) * DAY + millis).unwrap();
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let expected = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{millis:03}Z",
            day.year(),
            day.month(),
            day.day(),
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        assert_eq!(timestamp.to_string(), expected);
        days += 1;
    }
    assert_eq!(days, 3_652_425);
}
