//! Files that are watched: what counts as a change, and that reading one is bounded.

use std::time::{Duration, SystemTime};

use flowmatix_graphql::files::{Look, WatchedFile, read, read_at_most};

use crate::support::TempFile;

const LIMIT: u64 = 1 << 20;

#[test]
fn only_another_content_is_a_change_and_each_is_found_once() {
    let file = TempFile::new("watched", "one");
    let (mut watched, content) = WatchedFile::open(file.path(), LIMIT).unwrap();
    assert_eq!(content, b"one");
    assert!(watched.is_as_seen());
    assert_eq!(watched.look(), Look::Same);
    // Replaced by an equal one, and touched.
    file.replace("one");
    assert!(!watched.is_as_seen());
    assert_eq!(watched.look(), Look::Same);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    std::fs::File::options().write(true).open(file.path()).unwrap().set_modified(long_ago).unwrap();
    assert_eq!(watched.look(), Look::Same);
    // As long as before, and with an older time.
    file.replace("two");
    std::fs::File::options().write(true).open(file.path()).unwrap().set_modified(long_ago).unwrap();
    assert_eq!(watched.look(), Look::Changed(b"two".to_vec()));
    assert_eq!(watched.look(), Look::Same);
}

#[test]
fn a_file_that_is_gone_is_told_once_and_its_return_by_its_content() {
    let file = TempFile::new("watched", "one");
    let mut watched = WatchedFile::new(file.path(), LIMIT);
    std::fs::remove_file(file.path()).unwrap();
    assert_eq!((watched.look(), watched.look(), watched.is_gone()), (Look::Gone, Look::Same, true));
    std::fs::write(file.path(), "one").unwrap();
    assert_eq!((watched.look(), watched.is_gone()), (Look::Same, false));
    std::fs::remove_file(file.path()).unwrap();
    assert_eq!(watched.look(), Look::Gone);
    std::fs::write(file.path(), "two").unwrap();
    assert_eq!(watched.look(), Look::Changed(b"two".to_vec()));
    // One that was not there from the start.
    std::fs::remove_file(file.path()).unwrap();
    let mut watched = WatchedFile::new(file.path(), LIMIT);
    assert!(watched.is_gone() && WatchedFile::open(file.path(), LIMIT).is_err());
    std::fs::write(file.path(), "one").unwrap();
    assert_eq!(watched.look(), Look::Changed(b"one".to_vec()));
}

#[test]
fn what_is_written_where_it_lies_is_read_when_its_writer_has_left_it_alone() {
    let file = TempFile::new("watched", "one");
    let mut watched = WatchedFile::new(file.path(), LIMIT);
    let write = |text: &str, age: Duration| {
        std::fs::write(file.path(), text).unwrap();
        let open = std::fs::File::options().write(true).open(file.path()).unwrap();
        open.set_modified(SystemTime::now() - age).unwrap();
    };
    write("half of", Duration::ZERO);
    assert_eq!(watched.look(), Look::Same);
    assert!(!watched.is_as_seen(), "it is looked at again");
    write("half of it and the rest", Duration::from_secs(1));
    assert_eq!(watched.look(), Look::Changed(b"half of it and the rest".to_vec()));
    // The clock of the machine that has the file is ahead.
    std::fs::write(file.path(), "later").unwrap();
    let open = std::fs::File::options().write(true).open(file.path()).unwrap();
    open.set_modified(SystemTime::now() + Duration::from_secs(600)).unwrap();
    assert_eq!(watched.look(), Look::Changed(b"later".to_vec()));
    // By its own time, without any help.
    std::fs::write(file.path(), "last").unwrap();
    let started = std::time::Instant::now();
    let found = loop {
        match watched.look() {
            Look::Same => std::thread::sleep(Duration::from_millis(10)),
            found => break found,
        }
        assert!(started.elapsed() < Duration::from_secs(30));
    };
    assert_eq!(found, Look::Changed(b"last".to_vec()));
    // Another file in its place is whole.
    file.replace("another");
    assert_eq!(watched.look(), Look::Changed(b"another".to_vec()));
}

#[test]
fn reading_is_bounded_and_waits_for_nobody() {
    let file = TempFile::new("watched", "one");
    let mut watched = WatchedFile::new(file.path(), LIMIT);
    let set_length = |length| {
        let open = std::fs::File::options().write(true).open(file.path()).unwrap();
        open.set_len(length).unwrap();
        open.set_modified(SystemTime::now() - Duration::from_secs(1)).unwrap();
    };
    set_length(LIMIT + 1);
    assert_eq!(watched.look(), Look::Unreadable("it is longer than 1 MiB".to_owned()));
    assert_eq!(watched.look(), Look::Same);
    set_length(LIMIT);
    assert!(matches!(watched.look(), Look::Changed(content) if content.len() as u64 == LIMIT));
    std::fs::remove_file(file.path()).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(file.path()).status().unwrap().success());
    let special = "cannot be read: it is not a regular file".to_owned();
    assert_eq!(watched.look(), Look::Unreadable(special.clone()));
    assert_eq!(read(file.path(), LIMIT), Err(special));
    // What has no end.
    assert!(read_at_most(std::io::repeat(0), LIMIT).is_err());
}
