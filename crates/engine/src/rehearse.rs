//! The rehearsal of `ingest --dry-run`: everything that would follow, and nothing that does.

use selfheal_core::{Fact, Incident, IncidentId, NewSignal, SignalId, SignalSeen};

use crate::decide::SIGNALS;
use crate::engine::{Engine, EngineError};
use crate::intake::title_of;

/// What the pipeline would make of some signals.
#[derive(Debug)]
pub struct Rehearsal {
    pub incident: Incident,
    /// How many kinds of failures were judged: the latest, as many as matching looks at.
    pub judged: usize,
}

/// The signals that an incident of all of these is judged by: the latest, as many as are looked at of a stored one, earliest
/// first.
pub fn latest_kinds(signals: &[NewSignal]) -> Vec<NewSignal> {
    let mut latest: Vec<(usize, &NewSignal)> = signals.iter().enumerate().collect();
    latest.sort_by_key(|(place, signal)| (std::cmp::Reverse(signal.last_seen), std::cmp::Reverse(*place)));
    latest.truncate(SIGNALS as usize);
    latest.sort_by_key(|(place, signal)| (signal.first_seen, *place));
    latest.into_iter().map(|(_, signal)| signal.clone()).collect()
}

impl Engine {
    /// What the pipeline would make of some signals as an incident of their own, whatever else is open, without doing or
    /// keeping anything. Only what is stored already is read: nobody who writes waits for a rehearsal, however large it is.
    pub async fn rehearse(&self, signals: &[NewSignal]) -> Result<Option<Rehearsal>, EngineError> {
        let (config, now) = (self.config(), self.now());
        let judged = latest_kinds(signals);
        let mut seen = judged.iter().map(|signal| (signal, SignalSeen::of(SignalId(0), signal)));
        let Some((signal, first)) = seen.next() else { return Ok(None) };
        let (mut incident, _) = Incident::open(IncidentId(0), signal.project.clone(), title_of(signal), &first, now);
        for (_, signal) in seen {
            let fact = Fact::SignalJoined { signal, because: "the same input".into() };
            incident = incident.apply(&fact, now).map_err(selfheal_store::StoreError::from)?.0;
        }
        let base = self.knowledge(&mut self.store.read().await?).await?;
        let prepared = self.prepare(&incident, &judged, &base, &config, true).await?;
        let mut tx = self.store.read().await?;
        let incident = self.foresee(&mut tx, &incident, &prepared, &config, now).await?;
        Ok(Some(Rehearsal { incident, judged: judged.len() }))
    }
}
