//! The audit log: who read which team, to a target of its own, without a request that waits for it.

mod hanging;
mod records;
mod streams;
mod targets;

use std::time::Duration;

use serde_json::Value;

use crate::support::TempFile;

/// A file to be written to, which is not there yet.
fn target() -> TempFile {
    let file = TempFile::new("audit.jsonl", "");
    std::fs::remove_file(file.path()).unwrap();
    file
}

fn read(file: &TempFile) -> Vec<Value> {
    let text = std::fs::read_to_string(file.path()).unwrap_or_default();
    // A line that is being written is none yet.
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// Waits until the file has so many records, and returns them.
async fn records(file: &TempFile, count: usize) -> Vec<Value> {
    let found = at_least(file, count).await;
    assert_eq!(found.len(), count, "{found:#?}");
    found
}

/// Waits until the file has so many records, or more, and returns them.
async fn at_least(file: &TempFile, count: usize) -> Vec<Value> {
    for _ in 0..2000 {
        let found = read(file);
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{count} records did not come: {:#?}", read(file));
}
