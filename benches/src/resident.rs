//! What the service's process holds in memory: many large teams, the peak of one request, and whether the memory of a peak is
//! given back.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::figures::{Goal, bytes, short, table};
use crate::load::{self, Ask, Expected, NUMBER, Numbers};
use crate::process::Process;
use crate::team;

/// How many teams are held, and how many members each has.
const TEAMS: usize = 100;
const MEMBERS: usize = 10_000;
/// How long memory may take to come back.
const MINUTE: Duration = Duration::from_secs(60);
/// How long nothing is asked before memory is read. What was freed is given back within seconds.
const SETTLING: Duration = Duration::from_secs(15);
/// How long the load of a peak lasts, and on how many connections.
const PEAK: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 32;

const ALL_FIELDS: &str = "id name picture liveAvailability leadsVisibility status description type unreadMessages agencyId \
                          whitelabel createdAt updatedAt version assignedBotIds assignedAiAgentIds departmentIds \
                          maskedAttributes chatTransferPermission businessHoursId role { id } contact { id email phone { \
                          prefix number } }";
const SIX_FIELDS: &str = "id name status unreadMessages role { id } createdAt";
/// Whatever a roster can work out of its members, and keep: every folded text, every rank.
const EVERY_INDEX: &str = "search: \"555\", filter: { type: [AGENT], status: [ACTIVE], liveAvailability: [ONLINE], \
                           leadsVisibility: [ALL], roleId: { isNull: false }, whitelabel: false, unreadMessages: { gte: 0 } }";
/// Eight orders, each of all members.
const ORDERS: [&str; 8] = [
    "{ field: NAME }",
    "{ field: NAME, direction: DESC }",
    "{ field: CREATED_AT }",
    "{ field: UPDATED_AT }",
    "{ field: UNREAD_MESSAGES }, { field: NAME }",
    "{ field: STATUS }, { field: NAME }",
    "{ field: TYPE }, { field: NAME }",
    "{ field: LIVE_AVAILABILITY }, { field: NAME }",
];

/// What was measured, in bytes.
pub struct Resident {
    /// The JSON text of all teams.
    text: f64,
    idle: f64,
    loaded: f64,
    indexed: f64,
    peaks: Vec<Peak>,
    returns: Vec<Return>,
}

/// The peak of one request.
struct Peak {
    name: &'static str,
    answer: f64,
    /// The most above what there was before.
    growth: f64,
    /// What of it is still there when all is quiet.
    stays: f64,
    /// Whether nothing is to stay, so that the whole growth is the answer's.
    is_warm: bool,
}

/// What came of the memory of a peak.
struct Return {
    name: &'static str,
    before: f64,
    peak: f64,
    /// When it was back within a tenth, and what there was then, or a minute later.
    took: Option<Duration>,
    after: f64,
}

/// Measures everything, with this build of the service, before an upstream.
pub async fn measure(service: &Path, upstream: &str, numbers: &Numbers) -> Result<Resident> {
    let secret = std::env::temp_dir().join(format!("flowmatix-graphql-admin-{}", std::process::id()));
    std::fs::write(&secret, SECRET)?;
    let measured = measure_with(service, upstream, numbers, &secret.to_string_lossy()).await;
    std::fs::remove_file(&secret)?;
    measured
}

const SECRET: &str = "the-secret-of-this-run-for-invalidations";

async fn measure_with(service: &Path, upstream: &str, numbers: &Numbers, secret: &str) -> Result<Resident> {
    let start = |more: &[(&'static str, &str)]| anyhow::Ok(Process::service(service, upstream, more)?.0);
    let (mut peaks, mut returns) = (Vec::new(), Vec::new());

    // A hundred teams, as they are loaded, then with everything that can be worked out of them.
    let process = start(&[("roster.store_limit", "4GiB"), ("admin.invalidate_secret_file", secret)])?;
    let idle = settled(&process).await?;
    let first = |account: usize| ask(account, "first: 1", "nodes { id }");
    // What the program reads of itself when something is asked for the first time stays, and is no peak's.
    let warm_up = TEAMS + 1;
    answered(&process, &[first(warm_up)], numbers).await?;
    answered(&process, &every_way(warm_up), numbers).await?;
    let before_any = settled(&process).await?;
    let loads: Vec<Ask> = (0..TEAMS).map(first).collect();
    answered(&process, &loads, numbers).await?;
    let loaded = settled(&process).await?;
    for account in 0..TEAMS {
        answered(&process, &every_way(account), numbers).await?;
    }
    let indexed = settled(&process).await?;

    // One request at a time.
    let mut before = indexed;
    let length = format!("first: {MEMBERS}");
    let other = format!("last: {MEMBERS}");
    let sorted = format!("orderBy: [{{ field: NAME }}], first: {MEMBERS}");
    for (name, asked) in [
        ("10,000 members with all fields, asked for the first time", ask(0, &length, &nodes(ALL_FIELDS))),
        ("the same for the second time, when it is kept", ask(0, &length, &nodes(ALL_FIELDS))),
        ("10,000 members with 6 fields, asked for the first time", ask(0, &other, &nodes(SIX_FIELDS))),
        ("10,000 members with 6 fields, sorted by name", ask(0, &sorted, &nodes(SIX_FIELDS))),
    ] {
        peaks.push(peak(&process, name, &asked, (&mut before, true), numbers).await?);
    }
    let cold = ask(TEAMS, &length, &nodes(ALL_FIELDS));
    let name = "10,000 members with all fields, and their team is loaded";
    peaks.push(peak(&process, name, &cold, (&mut before, false), numbers).await?);

    // All rosters are dropped.
    let held = process.memory("VmRSS")? as f64;
    invalidate(&process).await?;
    returns.push(
        back(
            &process,
            "100 teams of 10,000 are loaded, asked in every way as one was before, and invalidated",
            before_any,
            held,
        )
        .await?,
    );
    drop(process);

    // Long answers, over one team that stays.
    let process = start(&[("graphql.response_cache_limit", "0B")])?;
    answered(&process, &vec![ask(0, &length, &nodes(ALL_FIELDS)); 3], numbers).await?;
    let before = settled(&process).await?;
    process.reset_peak()?;
    let asks = [ask(0, &length, &nodes(ALL_FIELDS)), ask(0, &sorted, &nodes(SIX_FIELDS))];
    load::run(process.address, &asks, CONNECTIONS, PEAK, numbers).await?;
    let most = process.memory("VmHWM")? as f64;
    returns.push(
        back(&process, "32 callers read 10,000 members of one team with all fields, for 5 s", before, most).await?,
    );
    drop(process);

    // Big loads, into a store that is full before and after.
    let process = start(&[])?;
    let cold = |selection: &str| {
        let body = body(&format!("account-{NUMBER}@m{MEMBERS}.example"), &length, selection);
        Ask::post("/graphql", &body, Expected::Any)
    };
    answered(&process, &vec![cold("nodes { id }"); 64], numbers).await?;
    let before = settled(&process).await?;
    process.reset_peak()?;
    load::run(process.address, &[cold(&nodes(ALL_FIELDS))], CONNECTIONS, PEAK, numbers).await?;
    let most = process.memory("VmHWM")? as f64;
    let name = "32 callers load teams of 10,000 into a full store, and read all fields, for 5 s";
    returns.push(back(&process, name, before, most).await?);

    let text = (TEAMS * team::body(0, MEMBERS).len()) as f64;
    Ok(Resident { text, idle, loaded, indexed, peaks, returns })
}

/// Has everything worked out of an account's team that can be, and what is kept when it is asked for again.
fn every_way(account: usize) -> Vec<Ask> {
    let orders = ORDERS.map(|order| ask(account, &format!("orderBy: [{order}], first: 1"), "nodes { id }"));
    let every = ask(account, &format!("{EVERY_INDEX}, first: 1"), "nodes { id } groups(by: [ROLE]) { count }");
    let mut asks = [&orders[..], &orders[..]].concat();
    asks.extend([every.clone(), every]);
    asks
}

fn nodes(fields: &str) -> String {
    format!("nodes {{ {fields} }}")
}

fn body(email: &str, arguments: &str, selection: &str) -> String {
    let document =
        format!("query($account: AccountInput!) {{ teamMembers(account: $account, {arguments}) {{ {selection} }} }}");
    json!({ "query": document, "variables": { "account": { "email": email, "type": "CUSTOMER" } } }).to_string()
}

fn ask(account: usize, arguments: &str, selection: &str) -> Ask {
    Ask::post("/graphql", &body(&team::account(account, MEMBERS), arguments, selection), Expected::Any)
}

/// Asks each question once, and gives the length of the last answer; none may have errors.
async fn answered(process: &Process, asks: &[Ask], numbers: &Numbers) -> Result<usize> {
    let mut length = 0;
    for ask in asks {
        let answers = load::answers(process.address, std::slice::from_ref(ask), numbers).await?;
        let answer = answers.first().context("no answer")?;
        ensure!(answer.starts_with(b"{\"data\":"), "{}", String::from_utf8_lossy(&answer[..answer.len().min(600)]));
        length = answer.len();
    }
    Ok(length)
}

/// The resident size when all is quiet.
async fn settled(process: &Process) -> Result<f64> {
    tokio::time::sleep(SETTLING).await;
    Ok(process.memory("VmRSS")? as f64)
}

/// One request behind a time in which all was quiet, with so much in memory.
async fn peak(
    process: &Process,
    name: &'static str,
    asked: &Ask,
    (before, is_warm): (&mut f64, bool),
    numbers: &Numbers,
) -> Result<Peak> {
    process.reset_peak()?;
    let answer = answered(process, std::slice::from_ref(asked), numbers).await? as f64;
    let most = process.memory("VmHWM")? as f64;
    let after = settled(process).await?;
    let (growth, stays) = (most - *before, after - *before);
    *before = after;
    Ok(Peak { name, answer, growth, stays, is_warm })
}

/// Waits until the resident size is within a tenth of what it was, a minute at most.
async fn back(process: &Process, name: &'static str, before: f64, peak: f64) -> Result<Return> {
    let started = Instant::now();
    loop {
        let after = process.memory("VmRSS")? as f64;
        let took = started.elapsed();
        if after <= before * 1.1 || took >= MINUTE {
            let took = (after <= before * 1.1).then_some(took);
            return Ok(Return { name, before, peak, took, after });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Has the service drop every roster.
async fn invalidate(process: &Process) -> Result<()> {
    let body = json!({ "all": true, "mode": "hard" }).to_string();
    let head = format!("host: localhost\r\nauthorization: Bearer {SECRET}\r\ncontent-type: application/json");
    let length = body.len();
    let request =
        format!("POST /invalidate HTTP/1.1\r\n{head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    let mut stream = TcpStream::connect(process.admin).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "nothing is invalidated: {answer}");
    Ok(())
}

impl Resident {
    /// The goals.
    pub fn goals(&self) -> Vec<Goal> {
        let teams = (self.loaded - self.idle) / self.text;
        let peak = |is_warm: bool| {
            let own = self.peaks.iter().filter(|peak| peak.is_warm == is_warm);
            own.map(|peak| peak.growth / peak.answer).fold(0.0, f64::max)
        };
        let (warm, cold) = (peak(true), peak(false));
        let mut goals = vec![
            Goal {
                text: "100 teams of 10,000 members in at most 1.3 × their JSON text".into(),
                figure: format!("{} × ({} of {})", short(teams), bytes(self.loaded - self.idle), bytes(self.text)),
                is_reached: teams <= 1.3,
            },
            Goal {
                text: "The peak of one request at most 3 × its answer".into(),
                figure: format!("{} ×", short(warm)),
                is_reached: warm <= 3.0,
            },
            Goal {
                text: "The same where its team of 10,000 is loaded for it, and stays".into(),
                figure: format!("{} ×", short(cold)),
                is_reached: cold <= 3.0,
            },
        ];
        let slowest = self.returns.iter().map(|peak| peak.took).max_by_key(|took| took.unwrap_or(Duration::MAX));
        let took = slowest.flatten();
        goals.push(Goal {
            text: "Behind a peak, memory is back within a tenth within a minute".into(),
            figure: took.map_or("not within a minute".into(), |took| format!("{} s", short(took.as_secs_f64()))),
            is_reached: took.is_some(),
        });
        goals
    }

    /// The section of the page, without its heading.
    pub fn section(&self) -> String {
        let of_text = |name: &str, size: f64| {
            vec![name.to_owned(), bytes(size), format!("{} ×", short((size - self.idle) / self.text))]
        };
        let teams = table(
            &["100 teams of 10,000 members", "resident", "of the JSON text"],
            &[
                of_text("none: the service idles", self.idle),
                of_text("as they are loaded", self.loaded),
                of_text("with every index, and eight orders asked for twice", self.indexed),
            ],
        );
        let row = |peak: &Peak| {
            let ratio = format!("{} ×", short(peak.growth / peak.answer));
            vec![peak.name.to_owned(), bytes(peak.answer), bytes(peak.growth), ratio, bytes(peak.stays.max(0.0))]
        };
        let peaks = table(
            &["one request, alone", "answer", "peak", "of the answer", "stays"],
            &self.peaks.iter().map(row).collect::<Vec<_>>(),
        );
        let row = |peak: &Return| {
            let took =
                peak.took.map_or("not within a minute".into(), |took| format!("{} s", short(took.as_secs_f64())));
            vec![peak.name.to_owned(), bytes(peak.before), bytes(peak.peak), bytes(peak.after), took]
        };
        let returns = table(
            &["peak", "before", "most", "after", "within a tenth of before after"],
            &self.returns.iter().map(row).collect::<Vec<_>>(),
        );
        format!(
            "The JSON text is {}; what the idle service has is not counted as the teams'.\n\n{teams}\nHow much the resident size \
             grows while one request is answered, by the system's own mark.\n\n{peaks}\n{returns}",
            bytes(self.text)
        )
    }
}
