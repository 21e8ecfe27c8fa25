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

use crate::burst::{Carried, WINDOW, is_held};
use crate::channels::{Channel, about};
use crate::engine::{Engine, EngineError, lock};
use crate::ports::{NotifyError, Retry};

/// A notice that does not arrive is tried this often: over 25 minutes, unless the other side asks for longer pauses.
const TRIES: i64 = 10;
/// Notices of one message that are put on record by themselves when it is given up.
const FAILED: usize = 20;
/// Deliveries that are looked at together: more than any burst has.
const BURST: i64 = 20_000;
/// Seconds; doubled with each try.
const FIRST_PAUSE: u64 = 10;
const LONGEST_PAUSE: Span = Span::from_minutes(5);
/// The longest pause that another side may ask for.
const LONGEST_WISH: Span = Span::from_minutes(60);

/// One thing to say: a notice, or a summary of several that were held back.
struct Message {
    rows: Vec<PendingEffect>,
    notice: Notice,
    /// What the first of the rows carries on when it was told; `None` ends them all.
    carry: Option<Carried>,
    /// It stands for itself, and counts as such.
    singly: bool,
}

impl Message {
    fn one((row, notice): (PendingEffect, Notice)) -> Self {
        Self { rows: vec![row], notice, carry: None, singly: true }
    }

    /// What was held back in quiet hours, as one. A summary that does not arrive is made again from what then is still so.
    fn summary(held: Vec<(PendingEffect, Notice)>, now: Timestamp) -> Option<Self> {
        let (rows, notices): (Vec<_>, Vec<_>) = held.into_iter().unzip();
        let notice = match &notices[..] {
            [] => return None,
            [only] => only.clone(),
            several => Notice::summary(&several.iter().collect::<Vec<_>>(), now),
        };
        Some(Self { rows, notice, carry: None, singly: true })
    }

    /// What a burst held back since the last word, or that it is over.
    fn burst(
        carrier: Option<(PendingEffect, Carried)>,
        held: Vec<(PendingEffect, Notice)>,
        now: Timestamp,
    ) -> Option<Self> {
        let (mut rows, notices): (Vec<_>, Vec<_>) = held.into_iter().unzip();
        let carried = carrier.as_ref().map(|(_, carried)| *carried);
        let count = carried.map_or(0, |carried| carried.count) + notices.len() as u64;
        let since = carried.map_or(now - WINDOW, |carried| carried.since);
        if let Some((row, _)) = carrier {
            rows.insert(0, row);
        }
        let (notice, carry) = match (&notices[..], carried) {
            ([], None) => return None,
            // No burst after all.
            ([only], None) => (only.clone(), None),
            ([], Some(_)) => (Notice::burst_over(count, since, now), None),
            (several, _) => (Notice::burst(&several.iter().collect::<Vec<_>>(), now), Some(Carried { since, count })),
        };
        Some(Self { rows, notice, carry, singly: false })
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
        let (mut held, mut fresh, mut burst, mut carrier) = (Vec::new(), Vec::new(), Vec::new(), None);
        let (mut over, mut later) = (Vec::new(), Vec::new());
        // Read without keeping any writer waiting: a burst has thousands.
        let mut tx = self.store.read().await?;
        self.take_up_burst(name, now, &mut tx).await?;
        for row in tx.due_deliveries(now, BURST).await? {
            let Some((notifier, notice)) = parts(row.body.clone()) else { continue };
            if notifier != *name {
                continue;
            }
            let carried = Carried::of(&row);
            let current = match &notice.about {
                _ if carried.is_some() => true,
                About::Incident { kind, .. } => kind.fits(&tx.incident(row.incident_id).await?),
                About::Summary { .. } | About::Configuration | About::Test => true,
            };
            let wanted = channel.as_ref().is_some_and(|channel| channel.wants(&notice, config.notifications.native));
            if !current || !wanted || lock(&self.channels.sent).contains(&row.id) {
                over.push(row.id);
                continue;
            }
            match (quiet_until, carried) {
                // Nobody is woken to hear that it is over.
                (Some(_), Some(_)) => over.push(row.id),
                (None, Some(carried)) => carrier = Some((row, carried)),
                (Some(until), None) if notice.severity < Severity::Critical => {
                    later.push((row.id, until, json!({ "held": true })));
                }
                _ if row.state["held"] == true => held.push((row, notice)),
                _ if is_held(&row) => burst.push((row, notice)),
                _ => fresh.push((row, notice)),
            }
        }
        drop(tx);
        if carrier.is_some() || !burst.is_empty() {
            burst.append(&mut fresh);
        }
        let sorted = self.sort_by_pace(name, fresh, now);
        let until = sorted.until.unwrap_or(now + WINDOW);
        later.extend(sorted.held.into_iter().map(|row| (row.id, until, json!({ "burst": true }))));
        if !over.is_empty() || !later.is_empty() {
            let mut tx = self.write_as_leader().await?;
            for id in over {
                tx.finish_effect(id).await?;
            }
            for (id, until, state) in later {
                tx.postpone_effect(id, until, &state).await?;
            }
            tx.commit().await?;
        }
        let summaries = Message::summary(held, now).into_iter().chain(Message::burst(carrier, burst, now));
        for message in summaries.chain(sorted.singly.into_iter().map(Message::one)) {
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
        let carry = message.carry.filter(|_| result.is_ok());
        match (&carry, message.singly) {
            (Some(_), _) => self.burst_goes_on(&channel.name, Some(now + WINDOW)),
            (None, true) if result.is_ok() => self.told_singly(&channel.name, now),
            (None, false) if result.is_ok() => self.burst_goes_on(&channel.name, None),
            (None, _) => {}
        }
        let mut tx = self.write_as_leader().await?;
        for (i, row) in message.rows.iter().enumerate() {
            if let Some(carried) = carry.filter(|_| i == 0) {
                tx.postpone_effect(row.id, now + WINDOW, &carried.state()).await?;
                continue;
            }
            let given_up = result.as_ref().err().map(|error| (error, pause(row.tries, error.retry)));
            match given_up {
                None => tx.finish_effect(row.id).await?,
                Some((_, Some(pause))) => tx.reschedule_effect(row.id, now + pause, &row.state).await?,
                Some((error, None)) => {
                    tx.finish_effect(row.id).await?;
                    // Of thousands in one message the first says it for all.
                    if i >= FAILED {
                        continue;
                    }
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
