//! Deliveries: each notifier is told what waits for it, apart from incidents and from the other notifiers.
//!
//! Invariants: one notice after the other per notifier; a delivery leaves the outbox only when it arrived, can never
//! arrive, or is no longer wanted; what was sent is not sent again while this process lives. After a crash it may be sent
//! once more, under the same id.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use selfheal_core::audit::NewEntry;
use selfheal_core::{About, Effect, Notice, NotifierName, Severity, Span, Timestamp};
use selfheal_store::PendingEffect;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::channels::{Channel, about};
use crate::engine::{DELIVERIES, Engine, EngineError, lock};
use crate::ports::{NotifyError, Retry};

/// A notice that does not arrive is tried this often: over 25 minutes, unless the other side asks for longer pauses.
const TRIES: i64 = 10;
/// Seconds; doubled with each try.
const FIRST_PAUSE: u64 = 10;
const LONGEST_PAUSE: Span = Span::from_minutes(5);
/// The longest pause that another side may ask for.
const LONGEST_WISH: Span = Span::from_minutes(60);

/// One thing to say: a notice, or a summary of several that were held back.
struct Message {
    rows: Vec<PendingEffect>,
    notice: Notice,
}

impl Message {
    /// What was held back, as one. A summary that does not arrive is made again from what then is still so.
    fn summary(held: Vec<(PendingEffect, Notice)>, now: Timestamp) -> Option<Self> {
        let (rows, notices): (Vec<_>, Vec<_>) = held.into_iter().unzip();
        let notice = match &notices[..] {
            [] => return None,
            [only] => only.clone(),
            several => Notice::summary(&several.iter().collect::<Vec<_>>(), now),
        };
        Some(Self { rows, notice })
    }
}

impl Engine {
    /// A task for each notifier that has something to be told and is not being told something already.
    pub(crate) fn deliver_due(self: &Arc<Self>, due: Vec<PendingEffect>) -> Vec<JoinHandle<()>> {
        let names: BTreeSet<NotifierName> = due.into_iter().filter_map(|row| Some(parts(row.body)?.0)).collect();
        let claims = names.into_iter().filter_map(|name| Claim::take(self, name));
        claims.map(|claim| tokio::spawn(claim.deliver())).collect()
    }

    /// When the quiet hours end that hold now.
    pub fn quiet_until(&self) -> Option<Timestamp> {
        let (now, config) = (self.now(), self.config());
        config.notifications.quiet_hours.as_ref()?.until(now, self.adapters.clock.utc_offset(now))
    }

    /// Waits until nothing is being sent, but not for long.
    pub(crate) async fn finish_deliveries(&self, patience: Duration) {
        let deadline = tokio::time::Instant::now() + patience;
        while !lock(&self.channels.busy).is_empty() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Tells one notifier everything that is due. The list is read anew: what was due when the task was started may have
    /// been told since.
    async fn deliver(&self, name: &NotifierName) -> Result<(), EngineError> {
        let (now, config) = (self.now(), self.config());
        let channel = self.channels.find(name);
        let disturbs = channel.as_ref().is_none_or(Channel::disturbs);
        let quiet_until = self.quiet_until().filter(|_| disturbs);
        let (mut held, mut messages) = (Vec::new(), Vec::new());
        let mut tx = self.write_as_leader().await?;
        for row in tx.due_deliveries(now, DELIVERIES).await? {
            let Some((notifier, notice)) = parts(row.body.clone()) else { continue };
            if notifier != *name {
                continue;
            }
            let incident = tx.incident(row.incident_id).await?;
            let current = match &notice.about {
                About::Incident { kind, .. } => kind.fits(&incident),
                About::Summary { .. } | About::Configuration | About::Test => true,
            };
            let wanted = channel.as_ref().is_some_and(|channel| channel.wants(&notice, config.notifications.native));
            if !current || !wanted || lock(&self.channels.sent).contains(&row.id) {
                tx.finish_effect(row.id).await?;
                continue;
            }
            match quiet_until {
                Some(until) if notice.severity < Severity::Critical => {
                    tx.postpone_effect(row.id, until, &json!({ "held": true })).await?;
                }
                _ if row.state["held"] == true => held.push((row, notice)),
                _ => messages.push(Message { rows: vec![row], notice }),
            }
        }
        tx.commit().await?;
        for message in Message::summary(held, now).into_iter().chain(messages) {
            if let Some(channel) = &channel {
                self.send(channel, &message).await?;
            }
        }
        Ok(())
    }

    async fn send(&self, channel: &Channel, message: &Message) -> Result<(), EngineError> {
        let result = channel.tell(&message.notice).await;
        self.told(&channel.name, &result);
        if result.is_ok() {
            lock(&self.channels.sent).extend(message.rows.iter().map(|row| row.id));
        }
        self.problem(&about(&channel.name), result.as_ref().err().map(ToString::to_string));
        let now = self.now();
        let mut tx = self.write_as_leader().await?;
        for row in &message.rows {
            let given_up = result.as_ref().err().map(|error| (error, pause(row.tries, error.retry)));
            match given_up {
                None => tx.finish_effect(row.id).await?,
                Some((_, Some(pause))) => tx.reschedule_effect(row.id, now + pause, &row.state).await?,
                Some((error, None)) => {
                    tx.finish_effect(row.id).await?;
                    tx.audit(failed(&channel.name, row, &message.notice, error, now)).await?;
                }
            }
        }
        tx.commit().await?;
        let mut sent = lock(&self.channels.sent);
        for row in &message.rows {
            sent.remove(&row.id);
        }
        Ok(())
    }
}

/// How long to wait after a failure, where `tries` went before it; `None` to give up.
fn pause(tries: i64, retry: Retry) -> Option<Span> {
    let wish = match retry {
        Retry::Never => return None,
        Retry::Later => Span::ZERO,
        Retry::After(wish) => wish.min(LONGEST_WISH),
    };
    let doubled = Span::from_secs(FIRST_PAUSE << tries.clamp(0, 10)).min(LONGEST_PAUSE);
    (tries + 1 < TRIES).then_some(doubled.max(wish))
}

fn failed(name: &NotifierName, row: &PendingEffect, notice: &Notice, error: &NotifyError, at: Timestamp) -> NewEntry {
    NewEntry {
        at,
        event_type: "notification.failed",
        actor: "engine".into(),
        incident_id: Some(row.incident_id),
        pattern_id: None,
        confidence: None,
        action: None,
        target: Some(name.to_string()),
        result: error.why.clone(),
        details: json!({ "notifier": name, "notice": notice.id, "about": notice.about.name(), "tries": row.tries + 1 }),
    }
}

fn parts(effect: Effect) -> Option<(NotifierName, Notice)> {
    match effect {
        Effect::Deliver { notifier, notice } => Some((notifier, *notice)),
        _ => None,
    }
}

/// A notifier, taken for as long as this lives.
struct Claim {
    engine: Arc<Engine>,
    name: NotifierName,
}

impl Claim {
    fn take(engine: &Arc<Engine>, name: NotifierName) -> Option<Self> {
        let taken = lock(&engine.channels.busy).insert(name.clone());
        taken.then(|| Self { engine: Arc::clone(engine), name })
    }

    async fn deliver(self) {
        if let Err(error) = self.engine.deliver(&self.name).await {
            // The rows are as they were: a later round takes them up, without haste.
            tracing::warn!(notifier = %self.name, %error, "what was told could not be written down");
            return;
        }
        let engine = Arc::clone(&self.engine);
        drop(self);
        engine.nudge();
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.engine.channels.busy).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_end_after_the_tenth_try() {
        let seconds = |tries, retry| pause(tries, retry).map(|pause| pause.as_secs_f64() as u64);
        let pauses: Vec<_> = (0..10).map(|tries| seconds(tries, Retry::Later)).collect();
        let expected = [10, 20, 40, 80, 160, 300, 300, 300, 300].map(Some);
        assert_eq!((&pauses[..9], pauses[9]), (&expected[..], None));
        assert_eq!(pauses.iter().flatten().sum::<u64>(), 1_510, "25 minutes");
        for (tries, retry, expected) in [
            (0, Retry::Never, None),
            (0, Retry::After(Span::from_secs(90)), Some(90)),
            (0, Retry::After(Span::from_secs(3)), Some(10)),
            (0, Retry::After(Span::from_secs(86_400)), Some(3_600)),
            (9, Retry::After(Span::from_secs(90)), None),
        ] {
            assert_eq!(seconds(tries, retry), expected, "{tries} {retry:?}");
        }
    }
}
