//! The notifiers of this engine: those of its host and those of the configuration, and how they fared.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use selfheal_core::config::{Notifications, NotifierSpec};
use selfheal_core::{About, EffectId, Notice, NotifierName, Timestamp};

use crate::burst::Paces;
use crate::engine::{Adapters, Engine, lock};
use crate::ports::{Notifier, NotifyError, OpenedNotifier, Retry};

/// How long one notice may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is known of all notifiers. What is to be sent is not here but in the outbox.
pub(crate) struct Channels {
    open: Mutex<Arc<Vec<Channel>>>,
    told: Mutex<BTreeMap<NotifierName, Told>>,
    /// Those that are being told something now: one notice after the other, in their order.
    pub(crate) busy: Mutex<HashSet<NotifierName>>,
    /// Sent, and not yet written down: not sent again as long as this process lives.
    pub(crate) sent: Mutex<HashSet<EffectId>>,
    /// How fast each was told things.
    pub(crate) paces: Mutex<Paces>,
}

#[derive(Clone)]
pub(crate) struct Channel {
    pub name: NotifierName,
    kind: &'static str,
    place: String,
    /// `None` for a notifier of the host.
    spec: Option<NotifierSpec>,
    notifier: Result<Arc<dyn Notifier>, NotifyError>,
}

/// How a notifier fared, since this process began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// When it last worked, and what was answered.
    pub success: Option<(Timestamp, String)>,
    /// When it last failed, and why.
    pub error: Option<(Timestamp, String)>,
}

/// A notifier as people see it.
#[derive(Clone, Debug)]
pub struct NotifierStatus {
    pub name: NotifierName,
    pub kind: &'static str,
    /// Where it leads, without what lets one in.
    pub place: String,
    /// Its entry in the configuration; `None` for a notifier of the host.
    pub spec: Option<NotifierSpec>,
    /// Whether it is told anything: one of the desktop can be switched off.
    pub active: bool,
    /// Why it cannot be used at all, e.g. a secret that is not set.
    pub broken: Option<NotifyError>,
    pub told: Told,
}

/// What came of a test.
#[derive(Clone, Debug)]
pub struct NotifierTest {
    pub result: Result<String, NotifyError>,
    pub took: Duration,
}

impl Channels {
    pub(crate) fn open(adapters: &Adapters, notifications: &Notifications) -> Self {
        Self {
            open: Mutex::new(Arc::new(Channel::all(adapters, notifications))),
            told: Mutex::default(),
            busy: Mutex::default(),
            sent: Mutex::default(),
            paces: Mutex::default(),
        }
    }

    pub(crate) fn list(&self) -> Arc<Vec<Channel>> {
        lock(&self.open).clone()
    }

    pub(crate) fn find(&self, name: &NotifierName) -> Option<Channel> {
        self.list().iter().find(|channel| channel.name == *name).cloned()
    }
}

impl Channel {
    fn all(adapters: &Adapters, notifications: &Notifications) -> Vec<Self> {
        let host = adapters.host_notifiers.iter().map(Self::of_host);
        let configured = (adapters.open_notifiers)(&notifications.notifiers);
        host.chain(configured.into_iter().map(Self::of_configuration)).collect()
    }

    fn of_host(notifier: &Arc<dyn Notifier>) -> Self {
        let (kind, place) = match notifier.is_native() {
            true => ("native", "this desktop"),
            false => ("log", "the log of the engine"),
        };
        Self {
            name: NotifierName::new(notifier.name()),
            kind,
            place: place.to_owned(),
            spec: None,
            notifier: Ok(Arc::clone(notifier)),
        }
    }

    fn of_configuration(OpenedNotifier { spec, notifier }: OpenedNotifier) -> Self {
        let (kind, place) = spec.kind().map_or(("unknown", String::new()), |kind| (kind.as_str(), kind.place()));
        Self { name: spec.name.clone(), kind, place, spec: Some(spec), notifier }
    }

    fn is_active(&self, native: bool) -> bool {
        native || !self.notifier.as_ref().is_ok_and(|notifier| notifier.is_native())
    }

    pub(crate) fn wants(&self, notice: &Notice, native: bool) -> bool {
        let chosen = match (&self.spec, &notice.about) {
            (Some(spec), About::Incident { kind, .. }) => spec.wants(*kind, notice.severity),
            (Some(spec), About::Configuration) => notice.severity >= spec.min_severity,
            _ => true,
        };
        chosen && self.is_active(native)
    }

    pub(crate) fn disturbs(&self) -> bool {
        self.notifier.as_ref().map_or(true, |notifier| notifier.disturbs())
    }

    /// Tells it, and waits for the answer for a while.
    pub(crate) async fn tell(&self, notice: &Notice) -> Result<String, NotifyError> {
        let told = tokio::time::timeout(PATIENCE, self.notifier.as_ref().map_err(Clone::clone)?.notify(notice));
        told.await.unwrap_or_else(|_| {
            Err(NotifyError {
                why: format!("no answer within {PATIENCE:?}"),
                next: "Check that it is up and reachable from here".into(),
                retry: Retry::Later,
            })
        })
    }
}

impl Engine {
    /// What people want to know of the notifiers.
    pub fn notifiers(&self) -> Vec<NotifierStatus> {
        let native = self.config().notifications.native;
        let told = lock(&self.channels.told).clone();
        let status = |channel: &Channel| NotifierStatus {
            name: channel.name.clone(),
            kind: channel.kind,
            place: channel.place.clone(),
            spec: channel.spec.clone(),
            active: channel.is_active(native),
            broken: channel.notifier.as_ref().err().cloned(),
            told: told.get(&channel.name).cloned().unwrap_or_default(),
        };
        self.channels.list().iter().map(status).collect()
    }

    /// Sends a test notice now, whatever the hour. `None` where there is no such notifier.
    pub async fn test_notifier(&self, name: &NotifierName) -> Option<NotifierTest> {
        let channel = self.channels.find(name)?;
        let began = std::time::Instant::now();
        let result = channel.tell(&Notice::test(name.as_str(), self.now())).await;
        self.told(name, &result);
        if result.is_ok() {
            self.problem(&about(name), None);
        }
        Some(NotifierTest { result, took: began.elapsed() })
    }

    /// Tells each notifier what is about no incident, and so has no place in the outbox. `told` are those that know it
    /// already, and then those that were told now; what fails is shown and may be tried again. True when nobody is left.
    pub async fn tell_operations(&self, notice: &Notice, told: &mut BTreeSet<NotifierName>) -> bool {
        let native = self.config().notifications.native;
        let quiet = self.quiet_until().is_some() && notice.severity < selfheal_core::Severity::Critical;
        let mut everybody = true;
        for channel in self.channels.list().iter() {
            if told.contains(&channel.name) || !channel.wants(notice, native) {
                continue;
            }
            if quiet && channel.disturbs() {
                everybody = false;
                continue;
            }
            let result = channel.tell(notice).await;
            self.told(&channel.name, &result);
            self.problem(&about(&channel.name), result.as_ref().err().map(ToString::to_string));
            match result {
                Ok(_) => {
                    told.insert(channel.name.clone());
                }
                Err(_) => everybody = false,
            }
        }
        everybody
    }

    pub(crate) fn told(&self, name: &NotifierName, result: &Result<String, NotifyError>) {
        let now = self.now();
        let mut told = lock(&self.channels.told);
        let told = told.entry(name.clone()).or_default();
        match result {
            Ok(reply) => told.success = Some((now, reply.clone())),
            Err(error) => told.error = Some((now, error.why.clone())),
        }
    }

    /// Opens the notifiers anew. What waits in the outbox goes to those of the same name.
    pub(crate) fn reopen_channels(&self, notifications: &Notifications) {
        let new = Arc::new(Channel::all(&self.adapters, notifications));
        let old = std::mem::replace(&mut *lock(&self.channels.open), new);
        for channel in old.iter() {
            self.problem(&about(&channel.name), None);
        }
        lock(&self.channels.told).retain(|name, _| self.channels.find(name).is_some());
        self.show_channels();
    }

    /// Shows which notifiers cannot be used, before somebody should have been told.
    pub(crate) fn show_channels(&self) {
        for channel in self.channels.list().iter() {
            if let Err(error) = &channel.notifier {
                self.problem(&about(&channel.name), Some(error.to_string()));
            }
        }
    }
}

/// What a problem of a notifier is shown under.
pub(crate) fn about(name: &NotifierName) -> String {
    format!("notifier {name}")
}
