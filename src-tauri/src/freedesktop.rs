//! The desktop's notification service, by its interface on the session bus (Desktop Notifications Specification 1.2).
//!
//! Invariant: only what the notification service itself says is taken for a click. Any program on the bus can send a signal
//! that looks like one; the match rule of the proxy names the service, and the bus vouches for who owns that name. A body is
//! text, never markup: log lines stand in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use selfheal_core::IncidentId;
use zbus::blocking::Proxy;
use zbus::blocking::connection::Builder;
use zbus::zvariant::Value;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// How long the service may take.
const ANSWER: Duration = Duration::from_secs(10);
/// Notifications whose clicks are known. Older ones were read long ago.
const MANY: usize = 500;

/// What was shown and leads somewhere.
#[derive(Default)]
pub struct Notifications {
    proxy: OnceLock<Proxy<'static>>,
    shown: Mutex<BTreeMap<u32, IncidentId>>,
}

impl Notifications {
    /// Shows a notification; a click on it leads to the incident. Waits for the service, so not for the async threads.
    pub fn show(&self, title: &str, body: &str, incident: Option<IncidentId>) -> Result<(), Missing> {
        let proxy = self.proxy()?;
        let abilities: Vec<String> = proxy.call("GetCapabilities", &()).map_err(|error| Missing(error.to_string()))?;
        let body = plain(body, abilities.iter().any(|ability| ability == "body-markup"));
        let hints: HashMap<&str, Value<'_>> = HashMap::from([("desktop-entry", Value::from("selfheal-desktop"))]);
        let actions: &[&str] = if incident.is_some() { &["default", "Show"] } else { &[] };
        // A click may be told before the number is: it waits for the lock.
        let mut shown = self.shown();
        let number: u32 = proxy
            .call("Notify", &("Selfheal", 0_u32, "", title, body.as_str(), actions, hints, -1_i32))
            .map_err(|error| Missing(error.to_string()))?;
        if let Some(incident) = incident {
            shown.insert(number, incident);
        }
        while shown.len() > MANY {
            shown.pop_first();
        }
        Ok(())
    }

    /// Calls `clicked` for each click that the service tells, for as long as the bus is there.
    pub fn listen(self: &Arc<Self>, clicked: impl Fn(IncidentId) + Send + 'static) -> std::io::Result<()> {
        let notifications = Arc::clone(self);
        std::thread::Builder::new().name("notifications".into()).spawn(move || {
            let heard = notifications.proxy().map_err(|missing| missing.0).and_then(|proxy| {
                // From the service alone, by its name: also after another one took that over.
                proxy.receive_all_signals().map_err(|error| error.to_string())
            });
            match heard {
                Ok(signals) => {
                    for signal in signals {
                        if let Some(incident) = notifications.told(&signal) {
                            clicked(incident);
                        }
                    }
                }
                Err(why) => tracing::info!(why, "clicks on notifications are not heard: there is no session bus"),
            }
        })?;
        Ok(())
    }

    /// The incident, where the service says that its notification was clicked.
    fn told(&self, signal: &zbus::Message) -> Option<IncidentId> {
        let header = signal.header();
        match header.member()?.as_str() {
            "ActionInvoked" => {
                let (number, key): (u32, String) = signal.body().deserialize().ok()?;
                (key == "default").then(|| self.shown().get(&number).copied()).flatten()
            }
            "NotificationClosed" => {
                let (number, _): (u32, u32) = signal.body().deserialize().ok()?;
                self.shown().remove(&number);
                None
            }
            _ => None,
        }
    }

    fn proxy(&self) -> Result<&Proxy<'static>, Missing> {
        if let Some(proxy) = self.proxy.get() {
            return Ok(proxy);
        }
        let missing = |error: zbus::Error| Missing(error.to_string());
        let connection = Builder::session().map_err(missing)?.method_timeout(ANSWER).build().map_err(missing)?;
        let proxy = Proxy::new(&connection, SERVICE, PATH, SERVICE).map_err(missing)?;
        Ok(self.proxy.get_or_init(|| proxy))
    }

    fn shown(&self) -> MutexGuard<'_, BTreeMap<u32, IncidentId>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// There is no notification service, and why that is known.
#[derive(Debug)]
pub struct Missing(pub String);

/// The text, for a service that reads markup in a body: links, pictures and formats are none of a log line's business.
fn plain(text: &str, reads_markup: bool) -> String {
    if !reads_markup {
        return text.to_owned();
    }
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_body_is_markup() {
        let line = r#"<a href="https://evil.example">click</a> <img src="x"/> a && b &lt;"#;
        let escaped =
            r#"&lt;a href="https://evil.example"&gt;click&lt;/a&gt; &lt;img src="x"/&gt; a &amp;&amp; b &amp;lt;"#;
        assert_eq!(plain(line, true), escaped);
        assert_eq!(plain(line, false), line, "a service without markup shows what stands there");
    }
}
