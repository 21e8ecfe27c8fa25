//! Tells people, once per change of state.

use std::time::Duration;

use selfheal_core::{Notice, NoticeKind, Span, State};
use selfheal_store::PendingEffect;

use crate::engine::{Engine, EngineError};
use crate::ports::NotifyError;

/// A notifier that fails is tried this often, each time waiting longer.
const TRIES: i64 = 5;
/// How long one notifier may take.
const PATIENCE: Duration = Duration::from_secs(15);

impl Engine {
    pub(crate) async fn notify(&self, effect: &PendingEffect, kind: NoticeKind) -> Result<(), EngineError> {
        let mut tx = self.store.read().await?;
        let incident = tx.incident(effect.incident_id).await?;
        drop(tx);
        let fits = match (kind, &incident.state) {
            (NoticeKind::Escalated, State::Escalated { .. }) | (NoticeKind::Queued, State::Queued { .. }) => true,
            (NoticeKind::ApprovalNeeded, _) => incident.awaits_a_person() && incident.approval.is_none(),
            // It has gone on meanwhile: telling now would be wrong.
            _ => false,
        };
        // Those that were told already are not told again.
        let missing: Vec<&str> =
            effect.state["failed"].as_array().into_iter().flatten().filter_map(|n| n.as_str()).collect();
        let mut failed = Vec::new();
        if fits {
            let notice = Notice {
                kind,
                incident: incident.id,
                severity: incident.severity,
                title: title(kind, &incident),
                body: body(&incident),
            };
            let native = self.config().notifications.native;
            for notifier in self.adapters.notifiers.iter().filter(|notifier| native || !notifier.is_native()) {
                if !missing.is_empty() && !missing.contains(&notifier.name()) {
                    continue;
                }
                let told = tokio::time::timeout(PATIENCE, notifier.notify(&notice)).await;
                let slow =
                    || NotifyError { why: format!("no answer within {PATIENCE:?}"), next: "It is tried again.".into() };
                match told.unwrap_or_else(|_| Err(slow())) {
                    Ok(()) => self.problem(&format!("notifier {}", notifier.name()), None),
                    Err(error) => {
                        self.problem(&format!("notifier {}", notifier.name()), Some(error.to_string()));
                        failed.push(notifier.name());
                    }
                }
            }
        }
        let mut tx = self.write_as_leader().await?;
        if failed.is_empty() || effect.tries + 1 >= TRIES {
            tx.finish_effect(effect.id).await?;
        } else {
            let wait = Span::from_secs(2_u64.pow(effect.tries as u32 + 1));
            tx.reschedule_effect(effect.id, self.now() + wait, &serde_json::json!({ "failed": failed })).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn title(kind: NoticeKind, incident: &selfheal_core::Incident) -> String {
    match kind {
        NoticeKind::Escalated => format!("{} needs you", incident.service),
        NoticeKind::ApprovalNeeded => format!("{}: approve a fix?", incident.service),
        NoticeKind::Queued => format!("{}: a fix is waiting", incident.service),
    }
}

fn body(incident: &selfheal_core::Incident) -> String {
    let what = match &incident.state {
        State::Escalated { reason, .. } => reason.clone(),
        State::Queued { gate, .. } | State::Decided { held: Some(selfheal_core::Held { gate, .. }) } => {
            gate.reason.clone()
        }
        _ => incident
            .decided
            .as_ref()
            .and_then(|decided| decided.plan.as_ref())
            .map_or_else(String::new, |plan| format!("{} on {}", plan.action.kind, plan.service)),
    };
    format!("{}\n{what}", incident.title)
}
