//! From what an incident wants told to one delivery per notifier.
//!
//! Invariant: the notice and its deliveries are written in one transaction, and nothing is sent here. An incident's next
//! effect never waits for a mail server.

use selfheal_core::config::Config;
use selfheal_core::known::{Known, Scene, worth_telling};
use selfheal_core::{Effect, Incident, NewSignal, Notice, NoticeKind, told};
use selfheal_store::{PendingEffect, StoreError, Tx};

use crate::decide::SIGNALS;
use crate::engine::{Engine, EngineError};

impl Engine {
    pub(crate) async fn notify(&self, effect: &PendingEffect, kind: NoticeKind) -> Result<(), EngineError> {
        let native = self.config().notifications.native;
        let mut tx = self.write_as_leader().await?;
        let incident = tx.incident(effect.incident_id).await?;
        // It has gone on meanwhile: telling now would be wrong.
        if kind.fits(&incident) {
            let now = self.now();
            let known = known_of(&mut tx, &incident, &self.config()).await?;
            let offset = |at| self.adapters.clock.utc_offset(at);
            let notice = Notice::of(kind, &incident, &known, now, &effect.id.to_string())
                .spoken(|at| told::local(at, now, offset(at)));
            for channel in self.channels.list().iter() {
                if channel.wants(&notice, native) {
                    let (notifier, notice) = (channel.name.clone(), Box::new(notice.clone()));
                    tx.put_effect(incident.id, &Effect::Deliver { notifier, notice }, now).await?;
                }
            }
        }
        tx.finish_effect(effect.id).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What the knowledge base, as it is now, tells a person of this incident. One that was merged meanwhile speaks through the pattern
/// that it is part of.
pub async fn known_of(tx: &mut Tx, incident: &Incident, config: &Config) -> Result<Vec<Known>, StoreError> {
    let matches = incident.decided.as_ref().map_or(&[][..], |decided| &decided.matches);
    let told = worth_telling(matches, config.self_healing.suggest_fix_threshold);
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let signals: Vec<NewSignal> =
        tx.signals_of(incident.id, SIGNALS).await?.into_iter().map(|signal| signal.seen).collect();
    let (project, service) = (&incident.project, &incident.service);
    let scene = Scene { project, service, since: Some(incident.onset), signals: &signals };
    let mut known: Vec<Known> = Vec::new();
    for found in told {
        let root = tx.root_of(&found.pattern).await?;
        if let Some(pattern) = tx.pattern(&root).await?
            && known.iter().all(|other| other.pattern != pattern.id)
        {
            known.push(Known::of(found, &pattern, &scene));
        }
    }
    Ok(known)
}
