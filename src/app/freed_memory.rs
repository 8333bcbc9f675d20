//! Gives memory that was freed back to the system, also while nothing is asked. The allocator does so by itself, but only when more
//! is allocated and freed: the memory of a peak would stay for as long as the service idles.
//!
//! Two things keep it. What is free in all threads is given back when a thread frees something large, a second later or more. What
//! one thread allocated and another freed is free for the first alone, until that looks through its memory, which it does every
//! 10,000 allocations. The threads of the compute pool and of blocking work end when they idle; the runtime's workers do not.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// How often the process looks whether there is something to give back: an idle process is woken no oftener by this.
const INTERVAL: Duration = Duration::from_secs(5);

/// Workers look through their memory where the resident size has changed by this part of it since they did so last. So they do not
/// while nothing happens, and do it again for as long as it helps.
const CHANGE: u64 = 20;

/// What is allocated and freed, in bytes: so much that the allocator keeps it in no list of its own. It is never written to, and so
/// never resident.
const LARGE: usize = 8 << 20;

/// So many allocations of this size have the allocator look through a thread's memory. Smaller ones would not count. They take a
/// worker a fifth of a millisecond.
const ALLOCATIONS: usize = 10_000;
const COUNTED: usize = 2 << 10;

/// Gives freed memory back for as long as it is polled.
pub(super) async fn give_back() -> Infallible {
    let mut settled = 0;
    loop {
        tokio::time::sleep(INTERVAL).await;
        drop(black_box(Vec::<u8>::with_capacity(LARGE)));
        let resident = resident_pages();
        if resident.abs_diff(settled) > resident / CHANGE {
            settled = resident;
            look_through_threads().await;
        }
    }
}

/// Has this thread and the runtime's workers look through their memory. Tasks cannot be told which worker they run on: those that
/// find it busy are taken by the others, and a worker that had none has its turn with the next change.
async fn look_through_threads() {
    look_through_own();
    let mut tasks = JoinSet::new();
    for _ in 0..Handle::current().metrics().num_workers() {
        tasks.spawn(async { look_through_own() });
    }
    tasks.join_all().await;
}

fn look_through_own() {
    for _ in 0..ALLOCATIONS {
        drop(black_box(Vec::<u8>::with_capacity(COUNTED)));
    }
}

/// How many pages of the process are resident; 0 where the system does not say.
fn resident_pages() -> u64 {
    let sizes = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    sizes.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}
