//! What a roster keeps of a member is what the upstream said, however little room it takes: texts that many members have are kept
//! once, and times as numbers.

use chrono::DateTime;
use flowmatix_graphql::model::{JsonStr, JsonStrList, Roster, TeamMember, Timestamp};
use flowmatix_graphql::upstream::decode;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

fn roster(rows: &[Value]) -> Roster {
    decode([json!({ "data": rows }).to_string().as_bytes()]).unwrap()
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => prop::sample::select(vec!["", "91", "sales", "says \"hello\"", "ä\\ö", "[\"sales\"]"]).prop_map(Value::from),
        2 => "[a-c\"]{0,3}".prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!(5)),
    ]
}

fn texts() -> impl Strategy<Value = Value> {
    prop::collection::vec(text(), 0..3).prop_map(Value::from)
}

fn row(id: usize) -> impl Strategy<Value = Value> {
    let integer = prop_oneof![any::<i32>().prop_map(Value::from), Just(Value::Null)];
    let fields = (text(), text(), texts(), texts(), texts(), text(), text(), integer);
    fields.prop_map(move |(name, description, bots, departments, masked, hours, prefix, unread)| {
        json!({
            "_id": format!("m{id:04}"), "name": name, "description": description, "assignedBots": bots,
            "_department": departments, "maskedAttributes": masked, "_businessHours": hours, "unreadMessages": unread,
            "contact": { "phone": { "prefix": prefix, "number": description } },
        })
    })
}

/// Everything that a member has of those fields.
fn values(member: TeamMember<'_>) -> Vec<Option<String>> {
    let text = |text: Option<JsonStr<'_>>| text.map(|text| format!("{} {}", text.json(), text.plain()));
    let list = |list: Option<JsonStrList<'_>>| list.map(|list| list.json().to_owned());
    let phone = member.contact().and_then(|contact| contact.phone());
    vec![
        text(member.name()),
        text(member.description()),
        list(member.assigned_bot_ids()),
        list(member.department_ids()),
        list(member.masked_attributes()),
        text(member.business_hours_id()),
        text(phone.and_then(|phone| phone.prefix())),
        text(phone.and_then(|phone| phone.number())),
        member.unread_messages().map(|number| number.to_string()),
        Some(member.unrecognized().iter().map(|entry| format!("{}: {}, ", entry.field, entry.value)).collect()),
    ]
}

proptest! {
    #![proptest_config(Config::with_cases(300))]

    #[test]
    fn a_member_among_others_says_what_it_says_alone(
        rows in (1..40_usize).prop_flat_map(|count| (0..count).map(row).collect::<Vec<_>>()),
        chunk in 1..200_usize,
    ) {
        let body = json!({ "data": rows }).to_string();
        let team = decode(body.as_bytes().chunks(chunk)).unwrap();
        prop_assert_eq!(team.len(), rows.len());
        for (member, row) in team.members().zip(&rows) {
            let alone = roster(std::slice::from_ref(row));
            prop_assert_eq!(values(member), values(alone.member(0)));
        }
    }

    #[test]
    fn a_time_prints_as_a_calendar_says(millis in -62_167_219_200_000_i64..253_402_300_800_000) {
        let time = Timestamp::from_millis(millis).unwrap();
        let expected = DateTime::from_timestamp_millis(millis).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        prop_assert_eq!(time.to_string(), expected.as_str());
        prop_assert_eq!(time.millis(), millis);
        prop_assert_eq!(Timestamp::parse(&expected), Some(time));
    }
}

#[test]
fn times_outside_the_years_of_four_digits_are_none() {
    for millis in [i64::MIN, -62_167_219_200_001, 253_402_300_800_000, i64::MAX] {
        assert_eq!(Timestamp::from_millis(millis), None, "{millis}");
    }
    let ends = [(-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z")];
    for (millis, printed) in ends {
        assert_eq!(Timestamp::from_millis(millis).unwrap().to_string(), printed);
    }
}

#[test]
fn what_many_members_have_is_kept_once() {
    let team = |department: fn(usize) -> String| {
        let rows = (0..1000).map(|n| json!({ "_id": format!("m{n:04}"), "_department": [department(n)] }));
        roster(&rows.collect::<Vec<_>>()).size()
    };
    let (alike, apart) = (team(|_| format!("{:024}", 7)), team(|n| format!("{n:024}")));
    // Brackets, quotes and 24 digits, a thousand times.
    assert!(alike + 999 * 28 <= apart, "{alike} {apart}");
}
