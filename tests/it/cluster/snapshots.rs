//! A roster's bytes in the second level: what comes back is what was put in, and anything else is nothing.

use flowmatix_graphql::model::{Roster, ScalarField};
use flowmatix_graphql::upstream::{decode, decode_roster, encode_roster};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Values that a field may have upstream, good and bad.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => Just(Value::Null),
        2 => ".{0,12}".prop_map(Value::from),
        2 => prop::sample::select(vec!["ACTIVE", "INACTIVE", "ONLINE", "ALL", "ASSIGNED", "CUSTOMER", "NEWER"]).prop_map(Value::from),
        1 => prop::sample::select(vec!["2024-04-26T17:10:22.134Z", "2024-04-26T19:10:22+02:00", "https://a.example/x?y=\"", "http://b.example/"])
            .prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        2 => prop::collection::vec(prop_oneof![".{0,6}".prop_map(Value::from), Just(Value::Null), Just(json!(7))], 0..4)
            .prop_map(Value::from),
        1 => Just(json!({ "a": [1, { "b": "\n\u{2028}" }] })),
    ]
}

fn row() -> impl Strategy<Value = Value> {
    let keys: Vec<&str> =
        ScalarField::ALL.iter().map(|field| field.key()).chain(["_role", "_parent", "unknown"]).collect();
    let contact =
        (value(), value(), value(), value(), 0..6).prop_map(|(id, email, prefix, number, shape)| match shape {
            0 => Value::Null,
            1 => json!({}),
            2 => id,
            3 => json!({ "_id": id, "email": email, "phone": {} }),
            4 => json!({ "_id": id, "email": email, "phone": prefix }),
            _ => json!({ "_id": id, "email": email, "phone": { "prefix": prefix, "number": number } }),
        });
    let scalars = prop::collection::vec(value(), keys.len());
    ("[a-d]{1,2}|\\PC{0,3}", scalars, contact).prop_map(move |(id, values, contact)| {
        let mut row = json!({ "_id": id, "contact": contact });
        for (key, value) in keys.iter().zip(values) {
            row[*key] = value;
        }
        row
    })
}

fn same(a: &Roster, b: &Roster) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.len(), b.len());
    for (a, b) in a.members().zip(b.members()) {
        prop_assert!(a == b, "{:?}", a.id().plain());
        prop_assert_eq!(a.created_at().map(|time| time.to_string()), b.created_at().map(|time| time.to_string()));
    }
    prop_assert_eq!(a.skipped_rows(), b.skipped_rows());
    prop_assert_eq!(a.drift(), b.drift());
    prop_assert_eq!(a.fetched_at(), b.fetched_at());
    prop_assert_eq!(a.roles_len(), b.roles_len());
    prop_assert_eq!(a.extent(), b.extent());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_roster_comes_back_as_it_was(rows in prop::collection::vec(row(), 0..8)) {
        let mut rows = rows;
        rows.push(json!("no row"));
        let body = json!({ "success": true, "data": rows }).to_string();
        let roster = decode([body.as_bytes()]).unwrap();
        let bytes = encode_roster(&roster);
        same(&roster, &decode_roster(&bytes).unwrap())?;
        // What was read once more is written the same.
        prop_assert_eq!(encode_roster(&decode_roster(&bytes).unwrap()), bytes);
    }

    #[test]
    fn other_bytes_are_a_roster_or_none_and_never_a_panic(
        rows in prop::collection::vec(row(), 0..4), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let body = json!({ "success": true, "data": rows }).to_string();
        let mut bytes = encode_roster(&decode([body.as_bytes()]).unwrap());
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let _ = decode_roster(&bytes);
    }
}
