//! Questions about the schema: what tools ask is answered, and what multiplies it is refused before it is resolved.

use serde_json::json;

use super::victim::{KNOWN, Victim, codes, query};

#[tokio::test]
async fn the_schema_is_described_once_and_not_again_and_again() {
    let victim = Victim::start(&[("graphql.introspection", "true")]);
    let both = |inner: &str| format!("type {{ fields {{ {inner} }} ofType {{ fields {{ {inner} }} }} }}");
    let deep = both(&both(&both("name")));
    let wide: String = (0..30)
        .map(|n| format!("x{n}: type {{ fields {{ type {{ fields {{ name }} }} args {{ name }} }} }} "))
        .collect();
    let all = "__schema { types { fields { name description args { name type { name } } } } }";
    let again: String = (0..40).map(|n| format!("a{n}: {all} ")).collect();
    let refused = [
        format!("{{ __schema {{ types {{ fields {{ {deep} }} }} }} }}"),
        format!("{{ __schema {{ types {{ fields {{ {wide} }} }} }} }}"),
        format!("{{ {again} }}"),
    ];
    for text in refused {
        let (_, answer) = victim.ask(KNOWN, query(&text, json!({}))).await;
        assert_eq!(codes(&answer), ["COST_ESTIMATED_TOO_EXPENSIVE"], "{text:.100}: {answer:.300}");
    }
    let of_type = (0..9).fold("kind name".to_owned(), |inner, _| format!("kind name ofType {{ {inner} }}"));
    let value = format!("name description defaultValue type {{ {of_type} }}");
    let tools = format!(
        "{{ __schema {{ queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }} types {{ kind name description \
         fields(includeDeprecated: true) {{ name description args {{ {value} }} type {{ {of_type} }} isDeprecated deprecationReason }} \
         inputFields {{ {value} }} interfaces {{ {of_type} }} enumValues(includeDeprecated: true) {{ name description isDeprecated \
         deprecationReason }} possibleTypes {{ {of_type} }} }} directives {{ name description locations args {{ {value} }} }} }} }}"
    );
    let answered =
        [tools, format!("{{ {all} }}"), format!("{{ __type(name: \"TeamMember\") {{ fields {{ {wide} }} }} }}")];
    for text in answered {
        let (status, answer) = victim.ask(KNOWN, query(&text, json!({}))).await;
        assert_eq!((status, codes(&answer)), (200, vec![]), "{text:.100}: {answer:.300}");
    }
}
