//! The reference front: async-graphql's own axum handler over the same schema and documents. Its `data` and ours are equal to
//! the byte.

use std::sync::Arc;

use async_graphql::{Data, Executor, Request, Response};
use async_graphql_axum::GraphQL;
use axum::Router;

use flowmatix_graphql::auth::Authenticator;
use flowmatix_graphql::demo::{AGENCY_TOKEN, Demo};
use flowmatix_graphql::graphql::{Engine, Settings};
use flowmatix_graphql::loader::LoaderFactory;
use flowmatix_graphql::model::Clock;
use flowmatix_graphql::roster::Rosters;
use flowmatix_graphql::telemetry::Metrics;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::support::{TestApp, settings};

/// The engine without our limits and our envelope.
#[derive(Clone)]
struct Stock {
    engine: Arc<Engine>,
    auth: Arc<Authenticator>,
}

impl Executor for Stock {
    async fn execute(&self, request: Request) -> Response {
        let grants = self.auth.authenticate(&axum::http::Request::new(()).into_parts().0).await.unwrap();
        self.engine.respond(request, grants, None).await.0
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let stock = self.clone();
        stream::once(async move { stock.execute(request).await }).boxed()
    }
}

async fn start(demo: &Demo) -> String {
    let config = settings(&demo.url(), &[]);
    let (clock, metrics) = (Clock::start(), Arc::new(Metrics::default()));
    let upstream = flowmatix_graphql::app::upstream(&config, clock, metrics.clone()).await.unwrap();
    let rosters = Arc::new(Rosters::new(&config.roster, upstream, clock, metrics.clone()));
    let settings = Settings {
        graphql: config.graphql.clone(),
        documents: config.documents.clone(),
        manifest: Default::default(),
        federation: config.federation.clone(),
        tokens: config.tokens.clone(),
    };
    let email = flowmatix_graphql::model::EmailAddress::parse(config.account.email.as_ref().unwrap()).unwrap();
    let account = flowmatix_graphql::model::Account { email, user_type: flowmatix_graphql::model::UserType::Customer };
    let stock = Stock {
        engine: Arc::new(Engine::new(settings, LoaderFactory::new(rosters, 4, metrics.clone()), metrics)),
        auth: Arc::new(Authenticator::server(
            secrecy::SecretString::from(AGENCY_TOKEN).into(),
            &config.account,
            Some(account),
        )),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route_service("/", GraphQL::new(stock));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}/")
}

/// The text of `data` in an answer, to the byte.
async fn data(request: reqwest::RequestBuilder, query: &str) -> String {
    let body = serde_json::json!({ "query": query }).to_string();
    let request = request.header("content-type", "application/json").body(body);
    let text = request.send().await.unwrap().text().await.unwrap();
    let data: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(&text).unwrap();
    data["data"].get().to_owned()
}

#[tokio::test]
async fn both_fronts_give_the_same_data() {
    let app = TestApp::start().await;
    let reference = start(&app.demo).await;
    let queries = [
        "{ __typename }",
        "{ teamMembers { totalCount nodes { id name role { id memberCount } contact { email phone { e164 } } createdAt } } }",
        "{ roles { id members(first: 2, orderBy: [{ field: NAME }]) { edges { cursor node { name } } } } }",
        "{ b: teamMembers(first: -1) { totalCount } a: teamMember(id: \"none\") { id } }",
        "{ __type(name: \"TeamMember\") { fields { name description } } }",
        "{ _entities(representations: [{ __typename: \"Role\", id: \"x\" }, { __typename: \"Ship\" }]) { __typename } }",
    ];
    for query in queries {
        let ours = data(app.client.post(app.url()), query).await;
        assert_eq!(data(app.client.post(&reference), query).await, ours, "{query}");
    }
}
