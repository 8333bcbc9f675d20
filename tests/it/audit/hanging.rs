//! Targets that take nothing: a reload moves the audit log off them, and what they hold is bounded and said.

use super::{at_least, read, target};
use crate::reload::{GENERATION, QUERY, SERVER, World};

/// Every record is dropped or written somewhere.
const DROPPED: &str = "flowmatix_audit_records_total{result=\"queue_full\"}";

/// A section whose target is this, with a queue as small as it can be, and a log that is quiet about requests.
fn audit(target: &str) -> String {
    format!(
        "[log]\nlevel = \"warn,flowmatix_graphql::cli=info\"\n[audit]\ntarget = \"{target}\"\nqueue_limit = \"64KiB\"\n"
    )
}

async fn ask(world: &World, times: usize) {
    for _ in 0..times {
        world.ask(None, QUERY).await.clean();
    }
}

/// A pipe of 64 KiB and a queue of as much are full, of records of some 300 bytes.
async fn fill(world: &World) -> usize {
    let mut asked = 0;
    while world.metric(DROPPED).await == 0.0 {
        ask(world, 50).await;
        asked += 50;
        assert!(asked < 2_000, "it takes everything");
    }
    asked
}

#[tokio::test]
async fn a_reload_moves_the_log_off_a_target_that_takes_nothing_and_no_record_is_lost_silently() {
    let file = target();
    let world = World::start(SERVER, &audit("stdout")).await;
    let mut asked = fill(&world).await;
    world.write(&audit(file.as_str()));
    world.reached(GENERATION, 2.0).await;
    ask(&world, 3).await;
    asked += 3;
    // Those that waited go there, too, before the later ones.
    at_least(&file, 101).await;
    let dropped = world.metric(DROPPED).await as usize;
    // From here on the pipe is read.
    let (well, out, log) = tokio::task::spawn_blocking(|| world.service.stop()).await.unwrap();
    assert!(well, "{log}");
    let kept = out.lines().filter(|line| line.starts_with('{')).count();
    assert_eq!(kept + read(&file).len() + dropped, asked);
    assert!(kept > 100, "{kept}");
}

#[cfg(target_os = "linux")]
fn threads(world: &World) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", world.service.id())).unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.trim() == "audit").count()
}

/// Each time that the log is moved off the full pipe and back, one more thread waits for it, up to four.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn threads_that_wait_for_former_targets_are_few_and_the_log_says_when_there_may_be_no_more() {
    let file = target();
    let world = World::start(SERVER, &audit("stdout")).await;
    fill(&world).await;
    let (mut generation, mut most) = (1.0, 0);
    for cycle in 0..12 {
        for target in [file.as_str(), "stdout"] {
            world.write(&audit(target));
            generation += 1.0;
            world.reached(GENERATION, generation).await;
            ask(&world, 1).await;
            // Taken by the thread, which hangs or has written it.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        most = most.max(threads(&world));
        assert!(most <= 5, "{most} after {cycle}");
    }
    assert_eq!(most, 5);
    let (_, _, log) = tokio::task::spawn_blocking(|| world.service.stop()).await.unwrap();
    assert!(log.contains("former targets take nothing"), "{log}");
    assert!(log.contains("the audit log's former target takes nothing"), "{log}");
}
