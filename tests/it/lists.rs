//! Lists, page by page: no member is missing or repeated, in both directions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{PATIENT, TestApp, account};

/// All ids of a list, page by page.
async fn walk(app: &TestApp, place: usize, order: &str, size: usize, forward: bool) -> Vec<String> {
    let (length, cursor) = if forward { ("first", "after") } else { ("last", "before") };
    let query = format!(
        "query($cursor: String) {{ teamMembers({}, orderBy: {order}, {length}: {size}, {cursor}: $cursor) {{
            totalCount edges {{ cursor node {{ id }} }} nodes {{ id }}
            pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }} }}",
        account(place)
    );
    let (mut ids, mut at) = (Vec::new(), Value::Null);
    loop {
        let data = app.variables(&query, json!({ "cursor": at })).await.clean();
        let page = &data["teamMembers"];
        let edges = page["edges"].as_array().unwrap();
        let nodes: Vec<_> = edges.iter().map(|edge| edge["node"].clone()).collect();
        assert_eq!(&json!(nodes), &page["nodes"]);
        let mut page_ids: Vec<_> = nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect();
        let info = &page["pageInfo"];
        assert_eq!(info["startCursor"], edges.first().map_or(Value::Null, |edge| edge["cursor"].clone()));
        let behind = if forward { "hasPreviousPage" } else { "hasNextPage" };
        assert_eq!(info[behind], json!(!ids.is_empty()));
        let (more, next) = if forward { ("hasNextPage", "endCursor") } else { ("hasPreviousPage", "startCursor") };
        at = info[next].clone();
        if forward {
            ids.extend(page_ids);
        } else {
            page_ids.extend(ids);
            ids = page_ids;
        }
        if info[more] == false {
            return ids;
        }
    }
}

#[tokio::test]
async fn ten_thousand_members_page_through_both_ways() {
    let app = TestApp::with(&PATIENT).await;
    let forward = walk(&app, 3, "[]", 1000, true).await;
    assert_eq!(forward.iter().collect::<BTreeSet<_>>().len(), 10_000);
    assert!(forward.is_sorted());
    assert_eq!(walk(&app, 3, "[]", 999, false).await, forward);
    assert_eq!(app.demo.calls(), 1);
}

#[tokio::test]
async fn every_order_gives_the_whole_list() {
    let app = TestApp::start().await;
    let all: BTreeSet<_> = walk(&app, 2, "[]", 100, true).await.into_iter().collect();
    for field in ["NAME", "STATUS", "LIVE_AVAILABILITY", "TYPE", "UNREAD_MESSAGES", "CREATED_AT", "UPDATED_AT", "ID"] {
        for direction in ["ASC", "DESC"] {
            let order = format!("[{{ field: {field}, direction: {direction} }}]");
            let forward = walk(&app, 2, &order, 70, true).await;
            assert_eq!(forward.len(), 250, "{order}");
            assert_eq!(forward.iter().cloned().collect::<BTreeSet<_>>(), all, "{order}");
            assert_eq!(walk(&app, 2, &order, 70, false).await, forward, "{order}");
        }
    }
    assert_eq!(app.demo.calls(), 1);
}

#[tokio::test]
async fn a_page_has_a_hundred_members_unless_it_says() {
    let app = TestApp::start().await;
    let query = format!("{{ teamMembers({}) {{ totalCount nodes {{ id }} }} }}", account(2));
    let data = app.query(&query).await.clean();
    assert_eq!(data["teamMembers"]["nodes"].as_array().unwrap().len(), 100);
    assert_eq!(data["teamMembers"]["totalCount"], 250);
    let all = app.query(&query.replace(") {", ", first: 1000) {")).await.clean();
    assert_eq!(all["teamMembers"]["nodes"].as_array().unwrap().len(), 250);
}

#[tokio::test]
async fn a_list_goes_on_where_a_member_was_that_has_gone() {
    let app = TestApp::with(&[("roster.fresh_for", "0s"), ("roster.stale_for", "0s")]).await;
    let row = |id: &str, name: &str| crate::support::row(id, name);
    let team = vec![row("a", "Zoe"), row("b", "Yan"), row("c", "Xia"), row("d", "Wim")];
    let ask = "query($after: String) { teamMembers(orderBy: [{ field: NAME }], first: 2, after: $after) {
        nodes { name } pageInfo { endCursor } } }";
    app.demo.set_team("maya@lantern-books.example", team.clone());
    let first = app.query(ask).await.clean();
    assert_eq!(first["teamMembers"]["nodes"], json!([{ "name": "Wim" }, { "name": "Xia" }]));
    // Xia, where the cursor stands, leaves; Yan and Zoe must still come.
    app.demo.set_team("maya@lantern-books.example", team.into_iter().filter(|row| row["_id"] != "c").collect());
    let after = &first["teamMembers"]["pageInfo"]["endCursor"];
    let second = app.variables(ask, json!({ "after": after })).await.clean();
    assert_eq!(second["teamMembers"]["nodes"], json!([{ "name": "Yan" }, { "name": "Zoe" }]));
}

/// Lists of several roles that have the same conditions are found in the whole team at once; each is what the conditions and its
/// role find in the team's own list.
#[tokio::test]
async fn lists_of_several_roles_find_what_each_role_alone_has() {
    let app = TestApp::with(&PATIENT).await;
    let conditions = [
        ("", "unreadMessages: { gt: 2 }"),
        ("", "unreadMessages: { isNull: true }"),
        ("", "createdAt: { onOrAfter: \"2024-01-01T00:00:00Z\" }, updatedAt: { isNull: false }"),
        ("", "or: [{ name: { contains: \"e\" } }, { status: [INACTIVE] }, { whitelabel: true }]"),
        ("", "not: { type: [AGENT], liveAvailability: [ONLINE] }"),
        ("", "email: { isNull: false }, name: { startsWith: \"a\" }"),
        ("search: \"an\", ", ""),
        ("search: \"1\", ", "leadsVisibility: [ALL]"),
    ];
    let (mut found, mut missed) = (0, 0);
    for (search, filter) in conditions {
        let list = format!("{search}filter: {{ {filter} }}, first: 1000");
        let all = format!("{{ roles({}) {{ id memberCount members({list}) {{ nodes {{ id }} }} }} }}", account(2));
        let all = app.query(&all).await.clean();
        for role in all["roles"].as_array().unwrap() {
            let own =
                format!("{search}filter: {{ roleId: {{ eq: {} }}, and: [{{ {filter} }}] }}, first: 1000", role["id"]);
            let own =
                app.query(&format!("{{ teamMembers({}, {own}) {{ nodes {{ id }} }} }}", account(2))).await.clean();
            assert_eq!(role["members"], own["teamMembers"], "{list}: {}", role["id"]);
            let count = role["members"]["nodes"].as_array().unwrap().len();
            found += count;
            missed += role["memberCount"].as_u64().unwrap() as usize - count;
        }
    }
    assert!(found > 250 && missed > 250, "{found} found, {missed} not");
}
