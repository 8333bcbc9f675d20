//! The timers of a socket: they tell when it is time to ping, or to end.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval_at, sleep};

use super::messages::Close;
use crate::config;
use crate::model::Clock;

/// A socket's timers, and the service's stop.
pub(super) struct Timers {
    /// Completes when the service stops.
    closing: BoxFuture<'static, ()>,
    lifetime: Pin<Box<Sleep>>,
    idle: Pin<Box<Sleep>>,
    pings: Interval,
    settings: config::LiveConfig,
}

impl Timers {
    pub(super) fn start(settings: &config::LiveConfig, closing: BoxFuture<'static, ()>) -> Self {
        let mut pings = interval_at(Clock::instant() + settings.ping_interval, settings.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            closing,
            lifetime: Box::pin(sleep(settings.lifetime)),
            idle: Box::pin(sleep(settings.idle_timeout)),
            pings,
            settings: settings.clone(),
        }
    }

    /// Nothing is under way any more.
    pub(super) fn rest(&mut self) {
        self.idle.as_mut().reset(Clock::instant() + self.settings.idle_timeout);
    }

    /// Before anything of the client's is looked at.
    pub(super) fn poll_end(&mut self, is_idle: bool, context: &mut Context<'_>) -> Poll<Close> {
        if self.closing.poll_unpin(context).is_ready() {
            Poll::Ready(Close::going_away())
        } else if self.lifetime.poll_unpin(context).is_ready() {
            Poll::Ready(Close::lifetime())
        } else if is_idle && self.idle.poll_unpin(context).is_ready() {
            Poll::Ready(Close::idle())
        } else {
            Poll::Pending
        }
    }

    /// After it: a client that says something gives a sign of life.
    pub(super) fn poll_ping(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.pings.poll_tick(context).map(drop)
    }
}
