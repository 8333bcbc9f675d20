//! Big teams: questions about 10,000 and 50,000 members, answered by the service's engine in this process, beside what a loop
//! that is written by hand takes for the same answer (`team_loop`). Every answer is compared with the loop's, byte by byte.
//!
//! It is measured in a process of its own (`bin/big_teams`), which has the service's allocator.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use flowmatix_graphql::graphql::{Engine, GraphQlResponse, Request};
use flowmatix_graphql::model::{Clock, Grants, Timestamp, UpstreamError, UserType};
use flowmatix_graphql::upstream::{self, FetchedRoster, Load, Upstream};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::figures::{Goal, Spread, short, table, time};
use crate::team_loop::{self, Key, PAGE, Team};
use crate::{service, team};

/// How many members there are, and how often each question is asked for the first time.
const SIZES: [(usize, usize); 2] = [(10_000, 9), (50_000, 5)];
/// How many representations `_entities` has.
const REPRESENTATIONS: usize = 1_000;
/// How many times what the loop takes an answer may take.
const LIMIT: f64 = 2.0;

const FIELDS: &str = "id name status unreadMessages role { id } createdAt";

/// What one question took.
#[derive(Serialize, Deserialize)]
pub struct Figure {
    pub members: usize,
    pub question: String,
    /// In seconds, as the ones below: the loop over fields as they came, the first time behind a load and as it is repeated, and
    /// over those that were prepared for the question.
    first_by_loop: f64,
    by_loop: f64,
    by_prepared_loop: Option<f64>,
    /// The first time that a snapshot is asked, behind its load, and from the third time on.
    first: f64,
    again: f64,
    /// Of what the loop took in the same round.
    first_ratio: Spread,
    again_ratio: Spread,
    prepared_ratio: Option<Spread>,
}

struct Question {
    name: &'static str,
    document: String,
    /// Whether a loop that prepared its members has less to do.
    prepares: bool,
    by_loop: Loop,
}

type Loop = Box<dyn Fn(&Asked<'_>) -> Result<Vec<u8>>>;

/// What a loop is asked over.
struct Asked<'t> {
    team: &'t Team,
    teams: HashMap<(String, UserType), &'t Team>,
    variables: Value,
}

fn questions() -> Vec<Question> {
    let list = |name, arguments: &str, prepares, by_loop: fn(&Team) -> Result<Vec<u8>>| Question {
        name,
        document: format!(
            "query($account: AccountInput!) {{ teamMembers(account: $account, {arguments}) {{ totalCount nodes {{ {FIELDS} }} }} }}"
        ),
        prepares,
        by_loop: Box::new(move |asked| by_loop(asked.team)),
    };
    let page = format!("first: {PAGE}");
    let mut questions = vec![
        list("the first page", &page, false, Team::first),
        list("the last page", &format!("last: {PAGE}"), false, Team::last),
    ];
    for (name, field, key) in [
        ("sorted by name", "NAME", Key::Name),
        ("sorted by status", "STATUS", Key::Status),
        ("sorted by live availability", "LIVE_AVAILABILITY", Key::Live),
        ("sorted by type", "TYPE", Key::Kind),
        ("sorted by unread messages", "UNREAD_MESSAGES", Key::Unread),
        ("sorted by time of creation", "CREATED_AT", Key::Created),
        ("sorted by time of change", "UPDATED_AT", Key::Updated),
    ] {
        let arguments = format!("orderBy: [{{ field: {field} }}], {page}");
        let mut question = list(name, &arguments, matches!(key, Key::Name), Team::first);
        question.by_loop = Box::new(move |asked| asked.team.sorted(&[(key, false)], false));
        questions.push(question);
    }
    let three_keys = "orderBy: [{ field: STATUS }, { field: UNREAD_MESSAGES, direction: DESC }, { field: NAME }]";
    questions.extend([
        list("sorted by id, descending", &format!("orderBy: [{{ field: ID, direction: DESC }}], {page}"), false, |team| {
            team.sorted(&[(Key::Id, true)], false)
        }),
        list("sorted by name, the last page", &format!("orderBy: [{{ field: NAME }}], last: {PAGE}"), true, |team| {
            team.sorted(&[(Key::Name, false)], true)
        }),
        list("sorted by status, unread messages and name", &format!("{three_keys}, {page}"), true, |team| {
            team.sorted(&[(Key::Status, false), (Key::Unread, true), (Key::Name, false)], false)
        }),
        list(
            "filtered by status, unread messages and time of creation",
            &format!(
                "filter: {{ status: [ACTIVE], unreadMessages: {{ gte: 30 }}, createdAt: {{ onOrAfter: \
                 \"2024-04-15T00:00:00Z\" }} }}, {page}"
            ),
            false,
            |team| team.filtered(30, Timestamp::parse("2024-04-15T00:00:00Z").context("not a time")?),
        ),
        list(
            "filtered by a part of the name",
            &format!("filter: {{ name: {{ contains: \"kow\" }} }}, {page}"),
            true,
            |team| team.named("kow"),
        ),
        list("searched for a name", &format!("search: \"garcia\", {page}"), true, |team| team.searched("garcia")),
        list("searched for an address", &format!("search: \"member.4999@\", {page}"), true, |team| {
            team.searched("member.4999@")
        }),
        Question {
            document: "query($account: AccountInput!) { teamMembers(account: $account) { groups(by: [STATUS, ROLE]) { key \
                       { status role { id } } count unreadMessages } } }"
                .into(),
            ..list("grouped by status and role", "", false, Team::grouped)
        },
        Question {
            name: "1,000 `_entities`",
            document: format!(
                "query($representations: [_Any!]!) {{ _entities(representations: $representations) {{ ... on TeamMember \
                 {{ {FIELDS} }} }} }}"
            ),
            prepares: false,
            by_loop: Box::new(|asked| {
                let representations = asked.variables["representations"].as_array().context("no representations")?;
                team_loop::entities(&asked.teams, representations)
            }),
        },
    ]);
    questions
}

/// The teams of a size, all alike, without a network in between.
struct Alike(String);

impl Upstream for Alike {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>> {
        load.observer.called();
        let began = tokio::time::Instant::now();
        let roster = upstream::decode([self.0.as_bytes()]);
        async move { roster.map(|roster| FetchedRoster { roster, began }).map_err(Into::into) }.boxed()
    }
}

/// A body with names that few members share: [`team::body`] has 256 of them.
fn body(members: usize) -> String {
    const SYLLABLES: [&str; 20] = [
        "Ada", "Bel", "Cor", "Dé", "Eno", "Fi", "Gus", "Hé", "Iva", "Jo", "Kas", "Li", "Mo", "Nø", "Oli", "Per", "Qi",
        "Ro", "Sö", "Ta",
    ];
    let text = team::body(0, members);
    let mut random = team::Random(members as u64);
    let mut rows = text.split(r#""name":""#);
    let mut body = rows.next().unwrap_or_default().to_owned();
    for row in rows {
        let (first, rest) = row.split_once(' ').unwrap_or((row, ""));
        let (one, other) = (random.pick(&SYLLABLES), random.pick(&SYLLABLES).to_lowercase());
        body.push_str(&format!(r#""name":"{first} {one}{other} {rest}"#));
    }
    body
}

/// Measures everything in this process.
pub fn measure() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (members, rounds) in SIZES {
        let mut size = Size::new(members)?;
        for question in questions() {
            let figure = size.measure(&question, rounds).with_context(|| question.name.to_owned())?;
            eprintln!(
                "{members:>6} members  {:<58} loop {:>8}  first {:>8}  again {:>8}",
                figure.question,
                time(figure.by_loop),
                time(figure.first),
                time(figure.again)
            );
            figures.push(figure);
        }
    }
    Ok(figures)
}

/// A size of teams, an engine over them, and the same team for the loops.
struct Size {
    engine: Engine,
    runtime: Runtime,
    grants: Arc<dyn Grants>,
    team: Team,
    members: usize,
    /// How many accounts have been used.
    accounts: usize,
}

impl Size {
    fn new(members: usize) -> Result<Self> {
        let config = service::config_with("http://127.0.0.1:1", &[("graphql.response_cache_limit", "0B")])?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let entered = runtime.enter();
        let body = body(members);
        let team = Team::read(&body)?;
        let engine = service::engine(&config, Arc::new(Alike(body)), Clock::start(), Arc::default());
        drop(entered);
        Ok(Self { engine, runtime, grants: service::grants(&config)?, team, members, accounts: 0 })
    }

    fn request(&self, document: &str, variables: &Value) -> Result<Request> {
        service::request(&json!({ "query": document, "variables": variables }).to_string(), self.grants.clone())
    }

    fn execute(&self, request: Request) -> GraphQlResponse {
        self.runtime.block_on(self.engine.execute(request))
    }

    /// Has the team of a new account loaded, and gives the variables of questions about it.
    fn load(&mut self) -> Result<(String, Value)> {
        let email = team::account(self.accounts, self.members);
        self.accounts += 1;
        let account = json!({ "email": email, "type": "CUSTOMER" });
        let mut random = team::Random(self.accounts as u64);
        let representations: Vec<Value> = (0..REPRESENTATIONS)
            .map(
                |_| json!({ "__typename": "TeamMember", "id": random.pick(&self.team.members).id, "account": account }),
            )
            .collect();
        let load = "query($account: AccountInput!) { teamMembers(account: $account, first: 1) { nodes { id } } }";
        let variables = json!({ "account": account });
        let loaded = self.execute(self.request(load, &variables)?);
        ensure!(!loaded.has_errors, "the team is not loaded");
        Ok((email, json!({ "account": account, "representations": representations })))
    }

    fn measure(&mut self, question: &Question, rounds: usize) -> Result<Figure> {
        let mut rounds_of: Vec<[f64; 5]> = Vec::new();
        // Before the first round the operation becomes known, and what threads need is there.
        for round in 0..=rounds {
            // What is asked for the first time is asked behind a load, which has put everything else out of the processor's caches;
            // so is the loop.
            let (email, variables) = self.load()?;
            let teams = HashMap::from([((email, UserType::Customer), &self.team)]);
            let started = Instant::now();
            (question.by_loop)(&Asked { team: &self.team, teams, variables })?;
            let first_by_loop = started.elapsed().as_secs_f64();

            let (email, variables) = self.load()?;
            let ours = || {
                let request = self.request(&question.document, &own(&variables, &question.document))?;
                let started = Instant::now();
                let answer = self.execute(request);
                let took = started.elapsed().as_secs_f64();
                anyhow::Ok((took, answer.body.into_vec()))
            };
            let (first, answer) = ours()?;
            // What is kept of an order is kept when it is asked for the second time.
            ours()?;
            let again = repeatedly(|| Ok(ours()?.0))?;

            let teams = HashMap::from([((email, UserType::Customer), &self.team)]);
            let asked = Asked { team: &self.team, teams, variables };
            let timed = |asked: &Asked<'_>| {
                let started = Instant::now();
                let expected = (question.by_loop)(asked)?;
                anyhow::Ok((started.elapsed().as_secs_f64(), expected))
            };
            let data = answer.strip_prefix(b"{\"data\":").context("no data")?;
            let is_same = |expected: &[u8]| {
                data.strip_prefix(expected).is_some_and(|rest| rest == b"}" || rest.starts_with(b",\"extensions\":"))
            };
            let (_, expected) = timed(&asked)?;
            ensure!(
                is_same(&expected),
                "the answers differ: {}\n{}",
                String::from_utf8_lossy(&answer[..answer.len().min(1000)]),
                String::from_utf8_lossy(&expected[..expected.len().min(1000)])
            );
            let by_loop = repeatedly(|| Ok(timed(&asked)?.0))?;
            self.team.is_prepared.set(true);
            let by_prepared_loop = if question.prepares {
                ensure!(is_same(&timed(&asked)?.1), "the prepared loop answers something else");
                repeatedly(|| Ok(timed(&asked)?.0))?
            } else {
                f64::NAN
            };
            self.team.is_prepared.set(false);
            if round > 0 {
                rounds_of.push([by_loop, by_prepared_loop, first, again, first_by_loop]);
            }
        }
        let spread = |figure: &dyn Fn(&[f64; 5]) -> f64| Spread::of(rounds_of.iter().map(figure).collect());
        let prepared = |figure: &dyn Fn(&[f64; 5]) -> f64| question.prepares.then(|| spread(figure));
        Ok(Figure {
            members: self.members,
            question: question.name.to_owned(),
            first_by_loop: spread(&|round| round[4]).median,
            by_loop: spread(&|round| round[0]).median,
            by_prepared_loop: prepared(&|round| round[1]).map(|spread| spread.median),
            first: spread(&|round| round[2]).median,
            again: spread(&|round| round[3]).median,
            first_ratio: spread(&|round| round[2] / round[4]),
            again_ratio: spread(&|round| round[3] / round[0]),
            prepared_ratio: prepared(&|round| round[3] / round[1]),
        })
    }
}

/// The variables that a document declares, out of these.
fn own(variables: &Value, document: &str) -> Value {
    let declared = |name: &&str| document.contains(&format!("${name}:"));
    let own = ["account", "representations"].into_iter().filter(declared);
    own.map(|name| (name, variables[name].clone())).collect()
}

/// The median of several times, which `once` gives: at least three, and more where they are short.
fn repeatedly(mut once: impl FnMut() -> Result<f64>) -> Result<f64> {
    let (mut times, mut sum) = (Vec::new(), 0.0);
    while times.len() < 3 || (times.len() < 101 && sum < 5e-3) {
        let took = once()?;
        times.push(took);
        sum += took;
    }
    Ok(Spread::of(times).median)
}

/// Has everything measured in a process of its own.
pub fn run(program: &Path) -> Result<Vec<Figure>> {
    let mut command = Command::new(program);
    // As the service sets it for itself.
    let options = [("MIMALLOC_PURGE_DELAY", "100"), ("MIMALLOC_ALLOW_THP", "0")];
    command.envs(options).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(output.status.success(), "{} failed: {}", program.display(), output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The goals: the worst ratio of each size.
pub fn goals(figures: &[Figure]) -> Vec<Goal> {
    let goal = |(members, _): &(usize, usize)| {
        let own = figures.iter().filter(|figure| figure.members == *members);
        let worst =
            own.flat_map(|figure| [(figure, "first", figure.first_ratio), (figure, "again", figure.again_ratio)]);
        let (figure, when, ratio) = worst.max_by(|(.., one), (.., other)| one.median.total_cmp(&other.median))?;
        Some(Goal {
            text: format!(
                "A team of {} members, every question: at most {LIMIT} × a loop over structs",
                short(*members as f64)
            ),
            figure: format!("{} × ({}, {when})", short(ratio.median), figure.question),
            is_reached: ratio.median <= LIMIT,
        })
    };
    SIZES.iter().filter_map(goal).collect()
}

/// The section of the page, without its heading.
pub fn section(figures: &[Figure]) -> String {
    let mut text = format!(
        "The engine's answers in one process, from the request to the last byte and with the roster loaded, beside a loop over a \
         vector of structs that is written by hand (`benches/src/team_loop.rs`) and writes the same bytes. A page has {PAGE} \
         members with 6 fields. *First* is the first question of its kind about a snapshot, behind the load of a team, with \
         everything that is worked out for it; its operation is known, and the loop is compiled. It is compared with the loop's \
         first turn behind a load: both find their members out of the processor's caches. *Again* is the same question from the \
         third time on, beside the loop's later turns. The response cache is off. The loop sorts, folds and \
         counts anew each time; the *prepared loop* has a sort key and folded texts in each struct. Medians; in brackets the \
         least and the greatest of the rounds.\n\n"
    );
    for (members, _) in SIZES {
        let rows: Vec<Vec<String>> = figures
            .iter()
            .filter(|figure| figure.members == members)
            .map(|figure| {
                let none = || "–".to_owned();
                vec![
                    figure.question.clone(),
                    time(figure.first_by_loop),
                    time(figure.first),
                    ratio(figure.first_ratio),
                    time(figure.by_loop),
                    time(figure.again),
                    ratio(figure.again_ratio),
                    figure.by_prepared_loop.map_or_else(none, time),
                    figure.prepared_ratio.map_or_else(none, ratio),
                ]
            })
            .collect();
        let head = [
            "question",
            "loop, first",
            "first",
            "first / loop",
            "loop, again",
            "again",
            "again / loop",
            "prepared loop",
            "again / prepared loop",
        ];
        text.push_str(&format!("**{} members**\n\n{}\n", short(members as f64), table(&head, &rows)));
    }
    text
}

fn ratio(ratio: Spread) -> String {
    format!("{} ({} to {})", short(ratio.median), short(ratio.least), short(ratio.greatest))
}
