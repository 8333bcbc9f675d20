//! Asks the service over a real socket: requests are pipelined over one keep-alive connection. An answer is reduced to what
//! the comparison needs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use serde_json::value::RawValue;

use super::judge::Phase;

/// Requests that are sent before the first answer is read.
const PIPELINE: usize = 16;

/// An answer of the service.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub ending: Ending,
    /// The fields whose arguments it refuses.
    pub refused: Vec<Vec<Value>>,
    /// All fields that have errors.
    pub failed: Vec<Vec<Value>>,
    /// The objects that are null because a condition in them is.
    pub undecided: Vec<Vec<Value>>,
    pub codes: Vec<String>,
    pub messages: Vec<String>,
    /// Line and column of each location of the errors.
    pub locations: Vec<(usize, usize)>,
    /// Faults of the answer's form.
    pub complaints: Vec<String>,
    /// The JSON text of `data`.
    pub data: Option<String>,
    pub text: String,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// In a phase of the language.
    In(Phase),
    /// By a limit of the service.
    Limit,
    /// By a refusal before GraphQL, with this code.
    Http(String),
}

/// Whether the code is that of a limit.
fn is_limit(code: &str) -> bool {
    code.starts_with("MAX_") || code.starts_with("COST_") || matches!(code, "REQUEST_TOO_LARGE" | "RESPONSE_TOO_LARGE")
}

pub struct Client {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// The answers to these bodies, in order.
    pub fn ask(&mut self, bodies: &[String]) -> Vec<Outcome> {
        bodies.chunks(PIPELINE).flat_map(|chunk| self.pipeline(chunk)).collect()
    }

    fn pipeline(&mut self, bodies: &[String]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut attempts = 0;
        while outcomes.len() < bodies.len() {
            attempts += 1;
            assert!(attempts < 50, "the service closes its connections: {}", bodies[outcomes.len()]);
            let mut connection =
                self.connection.take().unwrap_or_else(|| BufReader::new(TcpStream::connect(self.address).unwrap()));
            let mut bytes = Vec::new();
            for body in &bodies[outcomes.len()..] {
                let length = body.len();
                write!(bytes, "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
            }
            // The service may have closed the connection; the next attempt opens another.
            if connection.get_mut().write_all(&bytes).is_err() {
                continue;
            }
            while outcomes.len() < bodies.len() {
                let Some((status, body, closes)) = read(&mut connection) else { break };
                attempts = 0;
                outcomes.push(Outcome::of(status, body));
                if closes {
                    break;
                }
            }
            if outcomes.len() == bodies.len() {
                self.connection = Some(connection);
            }
        }
        outcomes
    }
}

/// Reads status and body of a response, and whether the connection closes after it; `None` if the connection has ended.
fn read(connection: &mut BufReader<TcpStream>) -> Option<(u16, String, bool)> {
    let mut line = String::new();
    if connection.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let (mut length, mut closes) = (None, false);
    loop {
        line.clear();
        connection.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok(),
            "connection" => closes = value.trim().eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let mut body = vec![0; length.expect("a response has a length")];
    connection.read_exact(&mut body).ok()?;
    Some((status, String::from_utf8(body).unwrap(), closes))
}

#[derive(serde::Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    errors: Vec<Value>,
}

impl Outcome {
    fn of(status: u16, text: String) -> Self {
        let mut complaints = Vec::new();
        let answer: Answer = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        // Deserialization cannot tell `"data": null` from no data.
        let has_data = text.starts_with("{\"data\":");
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let code = |error: &Value| error["extensions"]["code"].as_str().unwrap_or("none").to_owned();
        let codes: Vec<_> = answer.errors.iter().map(code).collect();
        let with_path = |wanted: &dyn Fn(&str) -> bool| {
            let errors = answer.errors.iter().filter(|error| wanted(&code(error)));
            errors.map(|error| list(&error["path"])).filter(|path| !path.is_empty()).collect::<Vec<_>>()
        };
        let ending = match codes.first().map(String::as_str) {
            _ if codes.iter().any(|code| is_limit(code)) => Ending::Limit,
            _ if has_data => Ending::In(Phase::Executed),
            Some("GRAPHQL_PARSE_FAILED") => Ending::In(Phase::Syntax),
            Some("GRAPHQL_VALIDATION_FAILED") => Ending::In(Phase::Validation),
            Some("OPERATION_RESOLUTION_FAILURE") => Ending::In(Phase::Operation),
            Some("BAD_USER_INPUT") => Ending::In(Phase::Variables),
            Some("BAD_REQUEST") if text.contains("a subscription needs a stream") => Ending::In(Phase::Stream),
            code => Ending::Http(code.unwrap_or("none").to_owned()),
        };
        if !has_data && codes.iter().any(|code| *code != codes[0]) {
            complaints.push("a refusal has errors of several kinds".to_owned());
        }
        if codes.is_empty() && !has_data {
            complaints.push("neither data nor errors".to_owned());
        }
        if codes.iter().any(|code| matches!(code.as_str(), "INTERNAL_SERVER_ERROR" | "none")) {
            complaints.push("an error that should not be".to_owned());
        }
        if matches!(ending, Ending::In(phase) if phase != Phase::Stream) && status != 200 {
            complaints.push(format!("status {status}"));
        }
        if !has_data && answer.errors.iter().any(|error| error.get("path").is_some()) {
            complaints.push("a path without data".to_owned());
        }
        let shown: Vec<_> = answer
            .errors
            .iter()
            .map(|error| [&error["message"], &error["locations"], &error["path"]].map(Value::to_string))
            .collect();
        if shown.iter().enumerate().any(|(place, one)| shown[..place].contains(one)) {
            complaints.push("the same error twice".to_owned());
        }
        let place = |value: &Value| {
            (value["line"].as_u64().unwrap_or(0) as usize, value["column"].as_u64().unwrap_or(0) as usize)
        };
        let locations =
            answer.errors.iter().flat_map(|error| list(&error["locations"])).map(|value| place(&value)).collect();
        let located = |error: &Value| !list(&error["locations"]).is_empty();
        if matches!(ending, Ending::In(Phase::Syntax | Phase::Validation)) && !answer.errors.iter().all(located) {
            complaints.push("an error without locations".to_owned());
        }
        let messages = answer.errors.iter().map(|error| error["message"].as_str().unwrap_or("").to_owned()).collect();
        let is_condition = |error: &&Value| error["message"].as_str().is_some_and(|text| text.contains("\"if\""));
        let undecided = answer.errors.iter().filter(is_condition).map(|error| list(&error["path"]));
        let undecided = undecided.filter(|path| !path.is_empty()).collect();
        let (refused, failed) = (with_path(&|code| code == "BAD_USER_INPUT"), with_path(&|_| true));
        let data = answer.data.map(|data| data.get().to_owned());
        Self { ending, refused, failed, undecided, codes, messages, locations, complaints, data, text }
    }
}
