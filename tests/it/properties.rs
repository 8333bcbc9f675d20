//! Properties: what holds for any roster, any question and any bytes.

use chrono::Datelike;
use flowmatix_graphql::demo::Scripted;
use flowmatix_graphql::model::{
    Credential, CredentialId, Cursor, Direction, Filter, IntTest, Order, OrderField, PageLimits, PageRequest,
    StringTest, TeamMemberStatus, TimeTest, Timestamp, UserType, fold,
};
use flowmatix_graphql::upstream::decode;
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
    let moment = || prop::option::of((0_i64..5).prop_map(|n| Timestamp::from_millis(n * 1000).unwrap()));
    let role = prop::option::of(prop::sample::select(vec!["r1", "r2"]));
    (id, name, status, kind, prop::option::of(0_i32..4), moment(), moment(), role, prop::option::of(any::<bool>()))
        .prop_map(|(id, name, status, user_type, unread_messages, created_at, updated_at, role_id, whitelabel)| {
            Person { id, name, status, user_type, unread_messages, created_at, updated_at, role_id, whitelabel }
        })
}

fn filter() -> impl Strategy<Value = Filter> {
    let string = || {
        prop_oneof![
            prop::collection::vec(text().prop_map(|text| fold(&text)), 0..3).prop_map(StringTest::In),
            text().prop_map(|text| StringTest::Contains(fold(&text))),
            text().prop_map(|text| StringTest::StartsWith(fold(&text))),
        ]
    };
    let leaf = prop_oneof![
        string().prop_map(Filter::Name),
        prop::collection::vec("[a-d\"][0-9]{0,2}", 0..4).prop_map(Filter::Id),
        prop::collection::vec(prop::sample::select(vec!["r1".to_owned(), "r2".into(), "r3".into()]), 0..3)
            .prop_map(Filter::RoleId),
        prop::collection::vec(prop::sample::select(TeamMemberStatus::ALL), 0..3).prop_map(Filter::Status),
        prop::collection::vec(prop::sample::select(UserType::ALL.to_vec()), 0..3).prop_map(Filter::Type),
        (0_i32..4).prop_map(|n| Filter::UnreadMessages(IntTest::Gte(n))),
        (0_i32..4).prop_map(|n| Filter::UnreadMessages(IntTest::Lt(n))),
        (0_i64..5).prop_map(|n| Filter::CreatedAt(TimeTest::After(Timestamp::from_millis(n * 1000).unwrap()))),
        any::<bool>().prop_map(Filter::Whitelabel),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
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

/// The filter, the way a reader of the schema would write it down.
fn meets(filter: &Filter, member: &Person) -> bool {
    let name = member.name.as_deref().map(str::to_lowercase);
    match filter {
        Filter::And(all) => !all.iter().any(|filter| !meets(filter, member)),
        Filter::Or(any) => any.iter().any(|filter| meets(filter, member)),
        Filter::Not(filter) => !meets(filter, member),
        Filter::Id(ids) => ids.contains(&member.id),
        Filter::RoleId(ids) => member.role_id.is_some_and(|role| ids.contains(&role.to_owned())),
        Filter::Name(StringTest::In(any)) => name.is_some_and(|name| any.contains(&name)),
        Filter::Name(StringTest::Contains(text)) => name.is_some_and(|name| name.contains(text.as_str())),
        Filter::Name(StringTest::StartsWith(text)) => name.is_some_and(|name| name.starts_with(text.as_str())),
        Filter::Status(any) => any.iter().any(|value| Some(*value) == member.status),
        Filter::Type(any) => any.iter().any(|value| Some(*value) == member.user_type),
        Filter::UnreadMessages(IntTest::Gte(bound)) => member.unread_messages.is_some_and(|n| n >= *bound),
        Filter::UnreadMessages(IntTest::Lt(bound)) => member.unread_messages.is_some_and(|n| n < *bound),
        Filter::CreatedAt(TimeTest::After(bound)) => member.created_at.is_some_and(|at| at > *bound),
        Filter::Whitelabel(value) => member.whitelabel.is_some_and(|flag| flag == *value),
        other => unreachable!("{other:?} is not generated"),
    }
}

/// The list that the schema's words describe: last of the newest rows of an id, filtered, then sorted key by key from the
/// least important one, with the missing at the end.
fn reference(rows: &[Person], filter: &Filter, keys: &[(OrderField, Direction)]) -> Vec<String> {
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
        // A key of a missing value and of one that is there; the values as text that sorts the same.
        let key = |member: &Person| match field {
            OrderField::Name => member.name.as_ref().map(|name| (name.to_lowercase(), name.clone())),
            OrderField::Status => member.status.map(|value| (format!("{}", value as u8), String::new())),
            OrderField::Type => member.user_type.map(|value| (format!("{}", value as u8), String::new())),
            OrderField::UnreadMessages => member.unread_messages.map(|n| (format!("{n:09}"), String::new())),
            OrderField::CreatedAt => member.created_at.map(|at| (at.to_string(), String::new())),
            OrderField::UpdatedAt => member.updated_at.map(|at| (at.to_string(), String::new())),
            OrderField::Id => Some((member.id.clone(), String::new())),
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
            page.iter().map(|place| roster.member(*place).id().plain().into_owned()).collect()
        };
        let page = |request: PageRequest| roster.page(None, Some(&filter), &order, &request, limits);
        let length = i32::try_from(size).unwrap();

        // Forwards, page by page, through the cursors.
        let (mut list, mut after) = (Vec::new(), None);
        loop {
            let page = page(PageRequest { first: Some(length), after, ..PageRequest::default() });
            prop_assert_eq!(page.total, expected.len());
            prop_assert_eq!(page.start, list.len());
            list.extend(ids(&page.members));
            prop_assert_eq!(page.has_next(), list.len() < expected.len());
            let Some(last) = list.last().filter(|_| page.has_next()) else { break };
            after = Some(Cursor { id: last.clone(), rank: u32::try_from(list.len() - 1).unwrap() });
        }
        prop_assert_eq!(&list, &expected);

        // Backwards.
        let (mut list, mut before) = (Vec::<String>::new(), None);
        loop {
            let page = page(PageRequest { last: Some(length), before, ..PageRequest::default() });
            list.splice(0..0, ids(&page.members));
            let Some(first) = list.first().filter(|_| page.has_previous()) else { break };
            before = Some(Cursor { id: first.clone(), rank: u32::try_from(page.start).unwrap() });
        }
        prop_assert_eq!(&list, &expected);

        // Both ends at once: what lies between two cursors.
        if expected.len() > 2 {
            let cursor = |rank: usize| Some(Cursor { id: expected[rank].clone(), rank: u32::try_from(rank).unwrap() });
            let between = PageRequest { first: Some(100), after: cursor(0), before: cursor(expected.len() - 1), last: None };
            prop_assert_eq!(ids(&page(between).members), &expected[1..expected.len() - 1]);
        }
    }

    #[test]
    fn a_sealed_cursor_opens_and_any_other_text_does_not(id in "[!-~]{1,128}", rank: u32, other in ".{0,200}", keys in keys()) {
        let credential = |token: &str| Credential::new(CredentialId::Held("test".into()), token.into());
        let account = flowmatix_graphql::model::Account {
            email: flowmatix_graphql::model::EmailAddress::parse("a@b.example").unwrap(),
            user_type: UserType::Agent,
        };
        let order = Order::new(keys);
        let (ours, theirs) = (credential("ours"), credential("theirs"));
        let text = ours.cursor_key().seal(&account, &order, &id, rank);
        prop_assert_eq!(ours.cursor_key().open(&account, &order, &text), Ok(Cursor { id, rank }));
        prop_assert!(theirs.cursor_key().open(&account, &order, &text).is_err());
        prop_assert!(ours.cursor_key().open(&account, &order, &other).is_err());
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
        prop_assert_eq!(member.folded_name().unwrap(), fold(&name));
        let expected: Vec<&str> = [&*name, "x"].into_iter().filter(|text| !text.is_empty()).collect();
        let list = member.masked_attributes().unwrap();
        prop_assert_eq!(list.json(), serde_json::to_string(&expected).unwrap());
        prop_assert_eq!(list.items(), expected);
    }

    #[test]
    fn a_moment_is_read_as_the_calendar_has_it(text in "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9][.:][0-9]{3}Z") {
        let expected = chrono::DateTime::parse_from_rfc3339(&text).ok().map(|moment| moment.timestamp_millis());
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
        let mut alone = 0;
        let mut drift = (0, 0);
        for row in &numbered {
            let roster = decode([format!(r#"{{"data":[{row}]}}"#).as_bytes()]).unwrap();
            drift.0 += roster.drift().unrecognized_values;
            drift.1 += roster.drift().unknown_fields;
            for member in roster.members() {
                let place = together.find(&member.id().plain()).unwrap();
                prop_assert!(together.member(place) == member, "{row} in {body}");
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
        let moment = Timestamp::from_millis(i64::from(day.to_epoch_days()) * DAY + millis).unwrap();
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
        assert_eq!(moment.to_string(), expected);
        days += 1;
    }
    assert_eq!(days, 3_652_425);
}
