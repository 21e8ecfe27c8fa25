//! The rehearsal of `ingest --dry-run`: everything that would follow, and nothing that does.

use selfheal_core::config::Config;
use selfheal_core::{Fact, Incident, NewSignal, SignalSeen, Timestamp};
use selfheal_store::Tx;

use crate::decide::signals_of;
use crate::engine::{Engine, EngineError};
use crate::intake::title_of;
use crate::knowledge::Knowledge;

impl Engine {
    /// What the pipeline would make of some signals, without doing or keeping anything: the same code in transactions that
    /// are undone. The target is asked between them, so that no writer waits for it.
    pub async fn rehearse(&self, signals: &[NewSignal]) -> Result<Option<Incident>, EngineError> {
        let (config, now) = (self.config(), self.now());
        let mut tx = self.store.write().await?;
        let Some(incident) = take_alone(&mut tx, signals, &config, now).await? else { return Ok(None) };
        let stored = signals_of(&mut tx, &incident).await?;
        // Not the shared copy: what this transaction changed is undone, its version number with it.
        let base = Knowledge::of(0, tx.patterns().await?);
        drop(tx);
        let prepared = self.prepare(&incident, &stored, &base, &config).await?;
        let mut tx = self.store.write().await?;
        let Some(incident) = take_alone(&mut tx, signals, &config, now).await? else { return Ok(None) };
        let concluded = self.conclude(&mut tx, incident.id, prepared, &config, now).await?;
        Ok(Some(concluded.unwrap_or(incident)))
    }
}

/// Takes signals as an incident of their own, whatever else is open: what a rehearsal is about.
async fn take_alone(
    tx: &mut Tx,
    signals: &[NewSignal],
    config: &Config,
    now: Timestamp,
) -> Result<Option<Incident>, EngineError> {
    let mut incident: Option<Incident> = None;
    for signal in signals {
        let (id, _) = tx.put_signal(signal, config.correlation.repeat(), now).await?;
        incident = Some(match incident {
            None => {
                let id = tx.detach_signal(id, signal, now).await?;
                let title = title_of(signal);
                tx.open_incident(signal.project.clone(), title, SignalSeen::of(id, signal), now).await?
            }
            Some(incident) => {
                let id = tx.attach_signal(id, incident.id, signal, now).await?;
                let fact = Fact::SignalJoined { signal: SignalSeen::of(id, signal), because: "the same input".into() };
                tx.record(incident.id, &fact, now).await?
            }
        });
    }
    Ok(incident)
}
