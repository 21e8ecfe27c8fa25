//! From what an incident wants told to one delivery per notifier.
//!
//! Invariant: the notice and its deliveries are written in one transaction, and nothing is sent here. An incident's next
//! effect never waits for a mail server.

use selfheal_core::{Effect, Notice, NoticeKind};
use selfheal_store::PendingEffect;

use crate::engine::{Engine, EngineError};

impl Engine {
    pub(crate) async fn notify(&self, effect: &PendingEffect, kind: NoticeKind) -> Result<(), EngineError> {
        let native = self.config().notifications.native;
        let mut tx = self.write_as_leader().await?;
        let incident = tx.incident(effect.incident_id).await?;
        // It has gone on meanwhile: telling now would be wrong.
        if kind.fits(&incident) {
            let now = self.now();
            let notice = Notice::of(kind, &incident, now, &effect.id.to_string());
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
