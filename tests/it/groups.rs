//! Groups: every member that matches is counted once, whatever the page shows, at a cost that is known beforehand.

use std::collections::BTreeMap;

use flowmatix_graphql::model::{Direction, GroupField, GroupOrder, GroupOrderField};
use flowmatix_graphql::upstream::decode;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Keys, TestApp};

const FIELDS: [(GroupField, &str, &str); 6] = [
    (GroupField::Type, "TYPE", "type"),
    (GroupField::Status, "STATUS", "status"),
    (GroupField::LiveAvailability, "LIVE_AVAILABILITY", "liveAvailability"),
    (GroupField::LeadsVisibility, "LEADS_VISIBILITY", "leadsVisibility"),
    (GroupField::Role, "ROLE", "_role"),
    (GroupField::Whitelabel, "WHITELABEL", "whitelabel"),
];

/// Values in the order of the schema, each as the upstream writes it.
fn values(key: &str) -> Vec<Value> {
    match key {
        "type" => vec![json!("AGENT"), json!("CUSTOM_USER"), json!("CUSTOMER")],
        "status" => vec![json!("ACTIVE"), json!("INACTIVE")],
        "liveAvailability" => vec![json!("ONLINE"), json!("OFFLINE")],
        "leadsVisibility" => vec![json!("ALL"), json!("ASSIGNED")],
        "_role" => vec![json!("r1"), json!("r2"), json!("r3")],
        _ => vec![json!(false), json!(true)],
    }
}

/// A row in which each field has one of its values, a value that is not known, or none.
fn row() -> impl Strategy<Value = Value> {
    (prop::collection::vec(0_usize..5, 6), prop::option::of(-2_i64..9)).prop_map(|(choices, unread)| {
        let mut row = json!({ "unreadMessages": unread });
        for ((_, _, key), choice) in FIELDS.iter().zip(choices) {
            row[*key] = match values(key).get(choice) {
                Some(value) => value.clone(),
                None if choice == 4 && *key != "_role" => json!("ODD"),
                None => Value::Null,
            };
        }
        row
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn groups_are_what_counting_by_hand_gives(
        rows in prop::collection::vec(row(), 0..40),
        by in prop::sample::subsequence(FIELDS.to_vec(), 0..=6).prop_shuffle(),
        descending: bool,
        order in 0_usize..3,
        first in 0_usize..12,
    ) {
        let rows: Vec<Value> = rows.into_iter().enumerate().map(|(n, mut row)| {
            row["_id"] = json!(format!("m{n:03}"));
            row
        }).collect();
        // By hand: the index of each value among its field's, the missing and the unknown behind all.
        let mut counted: BTreeMap<Vec<usize>, (usize, i64)> = BTreeMap::new();
        for row in &rows {
            let index = |(_, _, key): &(GroupField, &str, &str)| {
                let known = values(key);
                known.iter().position(|value| *value == row[*key]).unwrap_or(known.len())
            };
            let group = counted.entry(by.iter().map(index).collect()).or_default();
            group.0 += 1;
            group.1 += row["unreadMessages"].as_i64().unwrap_or(0);
        }
        let mut expected: Vec<_> = counted.into_iter().collect();
        let turn = |index: usize, key: &str| {
            let last = values(key).len();
            if index < last { last - 1 - index } else { index }
        };
        match (order, descending) {
            (0, false) => {}
            (0, true) => expected.sort_by_key(|(key, _)| {
                key.iter().zip(&by).map(|(index, (_, _, key))| turn(*index, key)).collect::<Vec<_>>()
            }),
            (1, false) => expected.sort_by_key(|(_, (count, _))| *count),
            (1, true) => expected.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count)),
            (_, false) => expected.sort_by_key(|(_, (_, unread))| *unread),
            (_, true) => expected.sort_by_key(|(_, (_, unread))| std::cmp::Reverse(*unread)),
        }
        expected.truncate(first);

        let body = json!({ "data": rows }).to_string();
        let roster = decode([body.as_bytes()]).unwrap();
        let members: Vec<u32> = (0..u32::try_from(rows.len()).unwrap()).collect();
        let field = [GroupOrderField::Key, GroupOrderField::Count, GroupOrderField::UnreadMessages][order];
        let direction = if descending { Direction::Desc } else { Direction::Asc };
        let fields: Vec<_> = by.iter().map(|(field, ..)| *field).collect();
        let groups = roster.groups(&members, &fields, GroupOrder { field, direction }, first, &|| false).unwrap();
        let shown: Vec<_> = groups.iter().map(|group| {
            let text = |key: &str| match key {
                "type" => group.key.user_type.map(|value| json!(value.name())),
                "status" => group.key.status.map(|value| json!(value.name())),
                "liveAvailability" => group.key.live_availability.map(|value| json!(value.name())),
                "leadsVisibility" => group.key.leads_visibility.map(|value| json!(value.name())),
                "_role" => group.key.role.map(|index| json!(roster.role(index).id.plain())),
                _ => group.key.whitelabel.map(|value| json!(value)),
            };
            let index = |(_, _, key): &(GroupField, &str, &str)| {
                text(key).map_or(values(key).len(), |shown| values(key).iter().position(|value| *value == shown).unwrap())
            };
            (by.iter().map(index).collect::<Vec<_>>(), (group.count, group.unread_messages))
        }).collect();
        prop_assert_eq!(shown, expected);
        prop_assert!(roster.groups(&members, &fields, GroupOrder::default(), 1, &|| true).is_err() || members.is_empty());
    }
}

#[tokio::test]
async fn groups_read_the_lists_own_snapshot_and_cost_no_call() {
    for projection in ["true", "false"] {
        let app = TestApp::with(&[("graphql.projection", projection)]).await;
        let query = "{ teamMembers(first: 2) { totalCount nodes { id } groups(by: [ROLE, STATUS]) { count } other: groups(by: []) { count } }
            roles { memberCount members(first: 1) { groups(by: []) { count } } } }";
        let answer = app.query(query).await;
        assert_eq!(answer.upstream()["calls"], 1);
        let data = answer.clean();
        let team = &data["teamMembers"];
        let sum: i64 = team["groups"].as_array().unwrap().iter().map(|group| group["count"].as_i64().unwrap()).sum();
        assert_eq!(sum, team["totalCount"].as_i64().unwrap());
        assert_eq!(team["other"], json!([{ "count": sum }]));
        for role in data["roles"].as_array().unwrap() {
            assert_eq!(role["members"]["groups"], json!([{ "count": role["memberCount"] }]));
        }
        assert_eq!(app.query(query).await.upstream()["calls"], 0);
    }
}

#[tokio::test]
async fn contact_data_cannot_be_grouped_by_and_a_filter_by_it_needs_the_scope() {
    let app = TestApp::start().await;
    let data = app.query("{ __type(name: \"TeamMemberGroupField\") { enumValues { name } } }").await.clean();
    let names: Vec<_> =
        data["__type"]["enumValues"].as_array().unwrap().iter().map(|value| value["name"].clone()).collect();
    assert_eq!(names, FIELDS.map(|(_, name, _)| name));
    let refused = app.query("{ teamMembers { groups(by: [EMAIL]) { count } } }").await;
    assert_eq!(refused.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
    let keys = Keys::new(&[("plain", &[0], false)]);
    let app = TestApp::with(&keys.settings()).await;
    let query = "{ teamMembers(filter: { email: { isNull: true } }) { groups(by: [TYPE]) { count } } }";
    let refused = app.query_as(keys.key(0), query).await;
    assert_eq!((refused.codes(), &refused.data()["teamMembers"]), (vec!["FORBIDDEN"], &Value::Null));
}

#[tokio::test]
async fn wrong_arguments_of_groups_are_refused() {
    for projection in ["true", "false"] {
        let app = TestApp::with(&[("graphql.projection", projection)]).await;
        let twice = app.query("{ teamMembers { groups(by: [TYPE, STATUS, TYPE]) { count } } }").await;
        assert_eq!(twice.codes(), ["BAD_USER_INPUT"]);
        assert_eq!(twice.body["errors"][0]["message"], "a list can be grouped by each field only once");
        let negative = app.query("{ teamMembers { totalCount groups(by: [TYPE], first: -1) { count } } }").await;
        assert_eq!(negative.codes(), ["BAD_USER_INPUT"]);
        assert_eq!(negative.data()["teamMembers"], json!({ "totalCount": 12, "groups": null }));
        assert_eq!(negative.body["errors"][0]["path"], json!(["teamMembers", "groups"]));
    }
}

#[tokio::test]
async fn a_sum_that_no_int_holds_is_the_nearest_that_one_holds() {
    for projection in ["true", "false"] {
        let app = TestApp::with(&[("graphql.projection", projection)]).await;
        let rows = |number: i32| {
            (0..3).map(move |n| json!({ "_id": format!("{number}{n}"), "unreadMessages": number, "type": if number > 0 { "AGENT" } else { "CUSTOMER" } }))
        };
        app.demo.set_team("maya@lantern-books.example", rows(i32::MAX).chain(rows(i32::MIN)).collect());
        let data = app.query("{ teamMembers { groups(by: [TYPE]) { unreadMessages } } }").await.clean();
        let sums: Vec<_> = data["teamMembers"]["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["unreadMessages"].clone())
            .collect();
        assert_eq!(sums, [i32::MAX, i32::MIN]);
    }
}

#[tokio::test]
async fn groups_cost_by_rows_and_by_the_keys_that_can_occur() {
    let app = TestApp::start().await;
    let row = |n: usize| json!({ "_id": format!("m{n:04}"), "_role": format!("r{}", n % 400), "type": "AGENT" });
    app.demo.set_team("maya@lantern-books.example", (0..2000).map(row).collect());
    let cost = async |list: &str, groups: &str| -> u64 {
        let query = format!("{{ teamMembers{list} {{ totalCount {groups} }} }}");
        let answer = app
            .send(app.post().header("x-flowmatix-show-cost", "true").body(json!({ "query": query }).to_string()))
            .await;
        answer.body["extensions"]["cost"]["estimated"].as_u64().unwrap_or_else(|| panic!("{:#}", answer.body))
    };
    let plain = cost("(first: 1)", "").await;
    let by_type = cost("(first: 1)", "groups(by: [TYPE]) { count unreadMessages }").await;
    let by_two = cost("(first: 1)", "groups(by: [TYPE, STATUS]) { count unreadMessages }").await;
    let by_role = cost("(first: 1)", "groups(by: [ROLE]) { count unreadMessages }").await;
    let first = cost("(first: 1)", "groups(by: [ROLE], first: 3) { count unreadMessages }").await;
    let filtered = cost("(first: 1, filter: { name: { contains: \"a\" } })", "").await;
    let filtered_groups =
        cost("(first: 1, filter: { name: { contains: \"a\" } })", "groups(by: [TYPE]) { count unreadMessages }").await;
    // Rows are counted for each field of the key, and at most 401 keys of roles are written with two fields each.
    assert!(by_type > plain + 2000 / 16 && by_two > by_type, "{plain} {by_type} {by_two}");
    assert!(by_role >= by_type + 2 * (401 - 4), "{by_role} {by_type}");
    assert!(first < by_role && first > plain, "{first} {by_role}");
    // What the list has found is not looked for again.
    assert_eq!(filtered_groups - filtered, by_type - plain);
}
