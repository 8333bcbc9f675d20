//! Load: asks all replicas, one question after the other at each, until it is told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;

use super::replicas::{Replicas, is_fine};
use crate::support::Answer;

/// What came of a load.
#[derive(Clone, Copy, Default)]
pub struct Told {
    pub asked: usize,
    pub failed: usize,
    pub stale: usize,
    pub oldest: Duration,
}

pub struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<(usize, Arc<Mutex<Told>>, tokio::task::JoinHandle<()>)>,
}

impl Load {
    /// Asks for these accounts in turn, at every replica that is there.
    pub fn start(replicas: &Replicas, accounts: usize) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let there = (0..replicas.all.len()).filter(|at| replicas.all[*at].is_some());
        let tasks = there.map(|at| {
            let told = Arc::<Mutex<Told>>::default();
            let requests: Vec<_> = (0..accounts).map(|n| replicas.request(at, &format!("account-{n}"))).collect();
            let (stop, sum) = (stop.clone(), told.clone());
            let task = tokio::spawn(async move {
                for request in requests.iter().cycle() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let answer = match request.try_clone().unwrap().send().await {
                        Ok(answer) => Some(Answer::read(answer).await),
                        Err(_) => None,
                    };
                    let fine = answer.as_ref().is_some_and(is_fine);
                    {
                        let mut sum = sum.lock().unwrap();
                        sum.asked += 1;
                        sum.failed += usize::from(!fine);
                        if let Some(answer) = answer.as_ref().filter(|_| fine) {
                            sum.stale += usize::from(answer.data()["teamMembers"]["stale"] == true);
                            let age = answer.upstream()["ageSeconds"].as_f64().unwrap_or(0.0);
                            sum.oldest = sum.oldest.max(Duration::from_secs_f64(age));
                        }
                    }
                    sleep(Duration::from_millis(if fine { 2 } else { 10 })).await;
                }
            });
            (at, told, task)
        });
        let tasks = tasks.collect();
        Self { stop, tasks }
    }

    pub async fn stop(self) -> Told {
        self.stop_without(usize::MAX).await
    }

    /// Without what was asked of a replica that is no more.
    pub async fn stop_without(self, left_out: usize) -> Told {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Told::default();
        for (at, told, task) in self.tasks {
            let _ = task.await;
            if at != left_out {
                let told = *told.lock().unwrap();
                all.asked += told.asked;
                all.failed += told.failed;
                all.stale += told.stale;
                all.oldest = all.oldest.max(told.oldest);
            }
        }
        all
    }
}
