//! Commits under a name: what a harness that kills an engine at every commit point looks through.
//!
//! The name comes by itself from what the transaction did: the last fact it recorded (where there was none, the last audit
//! entry), whether an effect was started or put off, and the last of the small rows it wrote. Nobody observes in
//! production, and then nothing is noted.

use std::fmt::Debug;
use std::sync::Arc;

/// Is told of every transaction that changed something.
pub trait CommitObserver: Debug + Send + Sync {
    /// Everything is written and nothing is durable yet.
    fn before_commit(&self, label: &str);
    /// It is durable, and nobody has acted on it yet.
    fn after_commit(&self, label: &str);
}

/// One thing that a transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Did {
    Fact(&'static str),
    Audit(String),
    Effect(&'static str),
    Row(&'static str),
}

#[derive(Debug)]
pub(crate) struct Doing {
    observer: Arc<dyn CommitObserver>,
    fact: Option<&'static str>,
    audit: Option<String>,
    effect: Option<&'static str>,
    row: Option<&'static str>,
}

impl Doing {
    pub(crate) fn new(observer: Arc<dyn CommitObserver>) -> Self {
        Self { observer, fact: None, audit: None, effect: None, row: None }
    }

    pub(crate) fn note(&mut self, what: Did) {
        match what {
            Did::Fact(name) => self.fact = Some(name),
            Did::Audit(event_type) => self.audit = Some(event_type),
            Did::Effect(name) => self.effect = Some(name),
            Did::Row(name) => self.row = Some(name),
        }
    }

    pub(crate) fn before_commit(&self) {
        if let Some(label) = self.label() {
            self.observer.before_commit(&label);
        }
    }

    pub(crate) fn after_commit(&self) {
        if let Some(label) = self.label() {
            self.observer.after_commit(&label);
        }
    }

    /// `None` where nothing was written.
    fn label(&self) -> Option<String> {
        let first = self.fact.or(self.audit.as_deref());
        let parts: Vec<&str> = [first, self.effect, self.row].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" + "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nobody;

    impl CommitObserver for Nobody {
        fn before_commit(&self, _: &str) {}
        fn after_commit(&self, _: &str) {}
    }

    #[test]
    fn a_commit_is_named_by_what_it_did() {
        for (did, label) in [
            (vec![], None),
            (vec![Did::Fact("decided"), Did::Audit("self_heal.auto".into()), Did::Fact("admitted")], Some("admitted")),
            (
                vec![Did::Effect("effect started"), Did::Audit("action.started".into())],
                Some("action.started + effect started"),
            ),
            (vec![Did::Fact("opened"), Did::Row("checkpoint")], Some("opened + checkpoint")),
            (vec![Did::Row("lease")], Some("lease")),
        ] {
            let mut doing = Doing::new(Arc::new(Nobody));
            did.into_iter().for_each(|what| doing.note(what));
            assert_eq!(doing.label().as_deref(), label);
        }
    }
}
