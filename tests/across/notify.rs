//! Who is told, when, and how often: the real engine, store and notifiers, and real receivers. Only the clock is played.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use selfheal_core::config::{Config, parse};
use selfheal_core::detect::{parse_record, reduce};
use selfheal_core::{Effect, Fact, IncidentId, Notice, NotifierName, ServiceName, SourceName, Span, Timestamp};
use selfheal_engine::ports::{Clock, Notifier, NotifyError};
use selfheal_engine::{Adapters, Engine, Role};
use selfheal_store::Store;
use selfheal_tests::receiver::{Receiver, Reply};
use serde_json::Value;
use tokio::task::JoinHandle;

/// 2026-02-28T12:00:00Z.
const NOON: Timestamp = Timestamp::from_micros(1_772_280_000_000_000);

#[derive(Clone)]
struct Played(Arc<Mutex<Timestamp>>);

impl Clock for Played {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("played by one")
    }
}

impl Played {
    fn pass(&self, span: Span) {
        let mut now = self.0.lock().expect("played by one");
        *now = *now + span;
    }
}

struct House {
    store: Store,
    clock: Played,
    config: Config,
    engine: Arc<Engine>,
    engines: u32,
}

impl House {
    async fn open(notifications: &str) -> Self {
        let config = config(notifications);
        let store = Store::in_memory().await.expect("a store");
        let clock = Played(Arc::new(Mutex::new(NOON)));
        let engine = engine(&store, &config, &clock, 1);
        Self { store, clock, config, engine, engines: 1 }
    }

    /// The engine is gone without a word, and another one takes over when its lease is over.
    async fn crash(&mut self) {
        self.engines += 1;
        self.engine = engine(&self.store, &self.config, &self.clock, self.engines);
        self.clock.pass(Span::from_secs(16));
    }

    async fn start(&self) -> Vec<JoinHandle<()>> {
        self.engine.tick().await.expect("ticks")
    }

    /// Everything that is due now.
    async fn settle(&self) {
        loop {
            let tasks = self.start().await;
            if tasks.is_empty() {
                assert_eq!(self.engine.status().role, Role::Leader);
                return;
            }
            for task in tasks {
                task.await.expect("ran");
            }
        }
    }

    /// Something that no pattern knows goes wrong: escalated as soon as the engine has looked.
    async fn fail(&self, service: &str, level: &str) {
        // Unlike each other, so that each is an incident of its own.
        let what = match service {
            "web" => "ledger page does not balance",
            "pay" => "quota of coins used up entirely",
            "mail" => "envelope lacks any stamp",
            "db" => "tablespace vanished overnight",
            _ => "needle lost within haystack",
        };
        let text = format!("{level} {what}");
        let record = parse_record(&text, self.clock.now());
        let (source, service) = (SourceName::new("log"), ServiceName::new(service));
        let signals = reduce(&[record], &source, &service, &Default::default());
        assert_eq!(signals.len(), 1, "{text}");
        self.engine.take(&signals, None).await.expect("taken");
    }

    /// A storm: incidents that have nothing to do with each other. The first is critical, and last in no list.
    async fn storm(&self, from: usize, count: usize) {
        let letters = |number: usize, salt: usize| -> String {
            (0..7).map(|place| char::from(b'g' + ((number * 31 + salt) / 20_usize.pow(place) % 20) as u8)).collect()
        };
        for number in from..from + count {
            let level = if number % 10 == 7 { "FATAL" } else { "ERROR" };
            let words = [1_000_003, 2_000_003, 3_000_017].map(|salt| letters(number, salt)).join(" ");
            let record = parse_record(&format!("{level} fault {words}"), self.clock.now());
            let service = ServiceName::new(format!("s{number}"));
            let signals = reduce(&[record], &SourceName::new("log"), &service, &Default::default());
            self.engine.take(&signals, None).await.expect("taken");
        }
    }

    async fn resolve(&self, id: i64) {
        let mut tx = self.store.write().await.expect("a transaction");
        let now = self.clock.now();
        let fact = Fact::ResolvedByPerson { by: "ada".into(), comment: None, watch_until: now + Span::from_secs(1) };
        tx.record(IncidentId(id), &fact, now).await.expect("recorded");
        tx.commit().await.expect("committed");
    }

    /// Deliveries that wait, of the first incident.
    async fn waiting(&self) -> Vec<String> {
        let mut tx = self.store.read().await.expect("a transaction");
        let effects = tx.effects_of(IncidentId(1)).await.expect("read");
        let name = |effect: Effect| match effect {
            Effect::Deliver { notifier, .. } => Some(notifier.to_string()),
            _ => None,
        };
        effects.into_iter().filter_map(|effect| name(effect.body)).collect()
    }

    /// `notification.failed` entries: target and result.
    async fn failed(&self) -> Vec<(String, String)> {
        let mut tx = self.store.read().await.expect("a transaction");
        let entries = tx.audit_entries(&Default::default(), None, 1_000).await.expect("read");
        let failed = entries.into_iter().filter(|entry| entry.event_type == "notification.failed");
        failed.map(|entry| (entry.target.unwrap_or_default(), entry.result)).collect()
    }

    fn problem(&self, name: &str) -> Option<String> {
        self.engine.status().problems.get(&format!("notifier {name}")).cloned()
    }
}

fn config(notifications: &str) -> Config {
    parse(&format!("notifications:\n{notifications}"), "config")
        .unwrap_or_else(|error| panic!("{notifications}: {error}"))
}

fn engine(store: &Store, config: &Config, clock: &Played, number: u32) -> Arc<Engine> {
    engine_with(store, config, clock, number, Vec::new())
}

fn engine_with(
    store: &Store,
    config: &Config,
    clock: &Played,
    number: u32,
    host_notifiers: Vec<Arc<dyn Notifier>>,
) -> Arc<Engine> {
    let adapters = Adapters {
        clock: Arc::new(clock.clone()),
        brake: Arc::new(selfheal_engine::ports::NoBrake),
        probe: Arc::new(selfheal_adapters::HttpProbe::new().expect("a client")),
        actuators: Vec::new(),
        host_notifiers,
        open_notifiers: Box::new(selfheal_adapters::open_notifiers),
        open_source: Box::new(|_| None),
    };
    Engine::new(store.clone(), config.clone(), adapters, format!("engine-{number}"))
}

fn hook(name: &str, receiver: &Receiver, more: &str) -> String {
    format!("    - {{ name: {name}, webhook: {{ url: \"{}\" }}{more} }}\n", receiver.url("/"))
}

fn bodies(receiver: &Receiver) -> Vec<Value> {
    receiver.received().iter().map(|request| serde_json::from_slice(&request.body).expect("JSON")).collect()
}

fn ids(receiver: &Receiver) -> Vec<String> {
    receiver
        .received()
        .into_iter()
        .map(|mut request| request.headers.remove("idempotency-key").expect("a key"))
        .collect()
}

#[tokio::test]
async fn what_did_not_arrive_is_told_after_a_crash_and_only_to_whom_it_did_not_reach() {
    let (good, bad) = (Receiver::start(), Receiver::start());
    bad.reply([Reply::new(500, ""), Reply::new(500, ""), Reply::new(200, "")]);
    let mut house = House::open(&format!("  notifiers:\n{}{}", hook("good", &good, ""), hook("bad", &bad, ""))).await;
    house.fail("web", "ERROR").await;
    house.settle().await;
    assert_eq!((good.received().len(), bad.received().len()), (1, 1));
    assert_eq!(house.waiting().await, ["bad"]);
    assert!(house.problem("bad").is_some_and(|why| why.contains("HTTP 500")), "it is shown");
    house.clock.pass(Span::from_secs(9));
    house.settle().await;
    assert_eq!(bad.received().len(), 1, "not before its time");
    house.clock.pass(Span::from_secs(1));
    house.settle().await;
    assert_eq!(bad.received().len(), 2);
    house.crash().await;
    house.settle().await;
    assert_eq!(bad.received().len(), 2, "the pause before the third try is 20 seconds, also across a crash");
    house.clock.pass(Span::from_secs(4));
    house.settle().await;
    assert_eq!((good.received().len(), bad.received().len()), (1, 3));
    assert!(house.waiting().await.is_empty());
    assert_eq!(house.problem("bad"), None, "it works again");
    let ids = ids(&bad);
    assert!(ids.iter().all(|id| *id == ids[0]), "one id for all tries: {ids:?}");
    house.clock.pass(Span::from_minutes(10));
    house.settle().await;
    assert_eq!((good.received().len(), bad.received().len()), (1, 3), "nothing is told twice");
}

/// Longer than a notifier waits for an answer, and than anything here takes on any machine.
const NEVER: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notifier_that_does_not_answer_holds_up_nobody() {
    let (quick, stuck) = (Receiver::start(), Receiver::start());
    stuck.reply([Reply::new(200, "").after(NEVER)]);
    let house = House::open(&format!("  notifiers:\n{}{}", hook("a", &stuck, ""), hook("b", &quick, ""))).await;
    house.fail("web", "ERROR").await;
    let engine = Arc::clone(&house.engine);
    let eventually = async |what: &str, holds: &dyn Fn() -> bool| {
        let hangs = tokio::time::Instant::now() + NEVER / 2;
        while !holds() {
            assert!(tokio::time::Instant::now() < hangs, "still not: {what}");
            engine.tick().await.expect("ticks");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    eventually("both are asked", &|| stuck.received().len() == 1 && quick.received().len() == 1).await;
    // The incident goes on: it is decided again while its first notice still waits for an answer.
    let mut tx = house.store.write().await.expect("a transaction");
    tx.put_effect(IncidentId(1), &Effect::Decide, house.clock.now()).await.expect("put");
    tx.commit().await.expect("committed");
    let hangs = tokio::time::Instant::now() + NEVER / 2;
    loop {
        house.start().await;
        let mut tx = house.store.read().await.expect("a transaction");
        let effects = tx.effects_of(IncidentId(1)).await.expect("read");
        if effects.iter().all(|effect| matches!(effect.body, Effect::Deliver { .. })) {
            break;
        }
        drop(tx);
        assert!(tokio::time::Instant::now() < hangs, "the incident waits for a notifier");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // So do the other incidents, and the other notifier.
    house.fail("pay", "ERROR").await;
    eventually("the second incident is told", &|| quick.received().len() == 2).await;
    assert_eq!(stuck.received().len(), 1, "one at a time");
    let ids = ids(&quick);
    assert!(ids.len() == 2 && ids[0] != ids[1], "each once: {ids:?}");
}

#[tokio::test]
async fn in_quiet_hours_only_what_is_critical_is_told_and_the_rest_in_one_at_their_end() {
    let receiver = Receiver::start();
    let quiet = "  quiet_hours: { from: \"12:00\", to: \"14:00\", zone: UTC }\n";
    let mut house = House::open(&format!("{quiet}  notifiers:\n{}", hook("ops", &receiver, ""))).await;
    for service in ["web", "pay", "mail"] {
        house.fail(service, "ERROR").await;
    }
    house.settle().await;
    assert_eq!(receiver.received().len(), 0);
    house.fail("db", "FATAL").await;
    house.settle().await;
    let told = bodies(&receiver);
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["service"], &told[0]["severity"]), (&Value::from("db"), &Value::from("critical")));
    house.resolve(2).await;
    house.clock.pass(Span::from_minutes(119));
    house.crash().await;
    house.settle().await;
    assert_eq!(receiver.received().len(), 1);
    // The end: what is still so, once, and tried again as one.
    receiver.reply([Reply::new(503, ""), Reply::new(200, "")]);
    house.clock.pass(Span::from_secs(44));
    house.settle().await;
    house.clock.pass(Span::from_secs(10));
    house.settle().await;
    let told = bodies(&receiver);
    assert_eq!(told.len(), 3);
    assert_eq!(told[1]["id"], told[2]["id"]);
    assert_eq!((&told[2]["kind"], &told[2]["incidents"]), (&"summary".into(), &serde_json::json!(["1", "3"])));
    let body = told[2]["body"].as_str().expect("a text");
    assert!(body.contains("web needs you") && body.contains("mail needs you") && !body.contains("pay"), "{body}");
    house.clock.pass(Span::from_minutes(30));
    house.settle().await;
    assert_eq!(receiver.received().len(), 3);
    // From now on at once.
    house.fail("search", "ERROR").await;
    house.settle().await;
    assert_eq!(bodies(&receiver)[3]["service"], "search");
}

#[tokio::test]
async fn a_burst_is_five_notices_one_summary_a_minute_and_one_word_at_its_end() {
    let receiver = Receiver::start();
    let mut house = House::open(&format!("  notifiers:\n{}", hook("hook", &receiver, ""))).await;
    house.storm(0, 30).await;
    house.settle().await;
    let kinds = || {
        bodies(&receiver).iter().map(|body| body["kind"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(), ["escalated"; 5]);
    // It goes on, over a crash; nothing is lost and nothing more is told one by one.
    house.clock.pass(Span::from_secs(20));
    house.storm(30, 10).await;
    house.settle().await;
    house.crash().await;
    house.storm(40, 5).await;
    house.settle().await;
    assert_eq!(receiver.received().len(), 5);
    house.clock.pass(Span::from_secs(60));
    house.settle().await;
    assert_eq!(kinds()[5..], ["summary"]);
    let summary = bodies(&receiver).remove(5);
    assert_eq!(summary["incidents"].as_array().map(Vec::len), Some(40), "{summary}");
    assert_eq!(summary["severity"], "critical");
    let (title, body) = (summary["title"].as_str().unwrap_or_default(), summary["body"].as_str().unwrap_or_default());
    assert!(title.starts_with("40 more incidents in the last minute: worst critical on s"), "{title}");
    assert!(body.contains("and 20 more") && body.contains("selfheal incidents list"), "{body}");
    // What is critical is named, each by itself and before anything else.
    let told: String = bodies(&receiver).iter().map(|body| format!("{} {}\n", body["title"], body["body"])).collect();
    for service in ["s7", "s17", "s27", "s37"] {
        assert!(told.contains(&format!("{service} needs you")), "{service}: {told}");
    }
    // In the minute after it there is one more summary, and after a minute without any the end is told: once.
    house.storm(45, 3).await;
    house.settle().await;
    house.crash().await;
    house.settle().await;
    house.clock.pass(Span::from_secs(60));
    house.settle().await;
    assert_eq!(kinds()[6..], ["summary"]);
    house.clock.pass(Span::from_secs(60));
    house.settle().await;
    let over = bodies(&receiver).pop().expect("told");
    assert!(
        over["title"].as_str().is_some_and(|title| title == "The burst is over: 43 notices were told in summaries"),
        "{over}"
    );
    house.clock.pass(Span::from_minutes(10));
    house.settle().await;
    assert_eq!(receiver.received().len(), 8);
    // Then it is as before.
    house.storm(48, 2).await;
    house.settle().await;
    assert_eq!(kinds()[8..], ["escalated"; 2]);
}

#[tokio::test]
async fn what_will_never_arrive_is_given_up_and_put_on_record() {
    let (gone, down) = (Receiver::start(), Receiver::start());
    gone.reply([Reply::new(410, "no such hook")]);
    down.reply([Reply::new(502, "")]);
    let house = House::open(&format!("  notifiers:\n{}{}", hook("gone", &gone, ""), hook("down", &down, ""))).await;
    house.fail("web", "ERROR").await;
    house.settle().await;
    assert_eq!(house.failed().await, [("gone".to_owned(), "HTTP 410: no such hook".to_owned())]);
    assert!(house.problem("gone").is_some(), "and shown");
    for _ in 0..24 * 60 {
        house.clock.pass(Span::from_secs(1));
        house.settle().await;
    }
    assert_eq!(house.waiting().await, ["down"], "after 24 minutes it is still tried");
    house.clock.pass(Span::from_minutes(2));
    house.settle().await;
    assert!(house.waiting().await.is_empty());
    house.clock.pass(Span::from_minutes(60));
    house.settle().await;
    assert_eq!((gone.received().len(), down.received().len()), (1, 10));
    assert_eq!(house.failed().await.len(), 2);
    let mut tx = house.store.read().await.expect("a transaction");
    assert_eq!(tx.verify_audit(Default::default()).await.expect("read").1, None);
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_granted() {
    let receiver = Receiver::start();
    receiver.reply([Reply::new(429, "").header("retry-after", "120"), Reply::new(200, "")]);
    let house = House::open(&format!("  notifiers:\n{}", hook("ops", &receiver, ""))).await;
    house.fail("web", "ERROR").await;
    house.settle().await;
    house.clock.pass(Span::from_secs(119));
    house.settle().await;
    assert_eq!(receiver.received().len(), 1);
    house.clock.pass(Span::from_secs(1));
    house.settle().await;
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn each_is_told_what_it_asked_for_and_nothing_that_is_over() {
    let (all, critical, queued, late) = (Receiver::start(), Receiver::start(), Receiver::start(), Receiver::start());
    late.reply([Reply::new(500, "")]);
    let entries = [
        hook("all", &all, ""),
        hook("critical", &critical, ", min_severity: critical"),
        hook("queued", &queued, ", kinds: [queued]"),
        hook("late", &late, ""),
    ];
    let house = House::open(&format!("  notifiers:\n{}", entries.concat())).await;
    house.fail("web", "ERROR").await;
    house.settle().await;
    let asked = || [&all, &critical, &queued, &late].map(|receiver| receiver.received().len());
    assert_eq!(asked(), [1, 0, 0, 1]);
    house.resolve(1).await;
    house.clock.pass(Span::from_minutes(30));
    house.settle().await;
    assert_eq!(asked(), [1, 0, 0, 1], "it is over: nobody is told of it now");
    assert!(house.waiting().await.is_empty());
}

#[tokio::test]
async fn a_new_configuration_takes_effect_and_a_notifier_that_is_gone_is_told_nothing() {
    let (old, new) = (Receiver::start(), Receiver::start());
    old.reply([Reply::new(500, "")]);
    let house = House::open(&format!("  notifiers:\n{}", hook("old", &old, ""))).await;
    house.fail("web", "ERROR").await;
    house.settle().await;
    house.engine.reconfigure(config(&format!("  notifiers:\n{}", hook("new", &new, ""))));
    assert_eq!(house.problem("old"), None, "no problem of one that is gone");
    house.clock.pass(Span::from_minutes(30));
    house.settle().await;
    assert_eq!(old.received().len(), 1);
    assert!(house.waiting().await.is_empty());
    house.fail("pay", "ERROR").await;
    house.settle().await;
    assert_eq!(new.received().len(), 1);
    // One that lacks its secret is shown before it is needed, and listed.
    let broken = "  notifiers: [{ name: chat, slack: { url_env: SELFHEAL_TEST_NO_SUCH_VARIABLE } }]\n";
    house.engine.reconfigure(config(broken));
    assert!(house.problem("chat").is_some_and(|why| why.contains("`SELFHEAL_TEST_NO_SUCH_VARIABLE` is not set")));
    let status = house.engine.notifiers().remove(0);
    assert_eq!((status.kind, status.broken.is_some()), ("slack", true));
}

#[tokio::test]
async fn a_test_says_what_happened_and_counts_as_a_sign_of_life() {
    let receiver = Receiver::start();
    let quiet = "  quiet_hours: { from: \"00:00\", to: \"23:59\", zone: UTC }\n";
    let house =
        House::open(&format!("{quiet}  notifiers:\n{}", hook("ops", &receiver, ", min_severity: critical"))).await;
    let name = NotifierName::new("ops");
    receiver.reply([Reply::new(403, "who are you"), Reply::new(202, "")]);
    let test = house.engine.test_notifier(&name).await.expect("there is one");
    assert_eq!(test.result.expect_err("refused").why, "HTTP 403: who are you");
    let test = house.engine.test_notifier(&name).await.expect("there is one");
    assert_eq!(test.result.as_deref(), Ok("HTTP 202"));
    let body = &bodies(&receiver)[1];
    assert_eq!((&body["kind"], &body["incident"]), (&"test".into(), &Value::Null));
    assert!(body["title"].as_str().is_some_and(|title| title.starts_with("Test notice")), "{body}");
    let told = house.engine.notifiers().remove(0).told;
    assert_eq!(told.success, Some((NOON, "HTTP 202".to_owned())));
    assert_eq!(told.error, Some((NOON, "HTTP 403: who are you".to_owned())));
    assert!(house.engine.test_notifier(&NotifierName::new("nobody")).await.is_none());
}

/// Is told, and while it answers another engine takes the lease: that it was told cannot be written down.
struct Thief {
    store: Store,
    clock: Played,
    told: Mutex<Vec<String>>,
}

#[async_trait]
impl Notifier for Thief {
    fn name(&self) -> &str {
        "thief"
    }

    async fn notify(&self, notice: &Notice) -> Result<String, NotifyError> {
        self.told.lock().expect("played by one").push(notice.id.clone());
        self.clock.pass(Span::from_secs(16));
        let mut tx = self.store.write().await.expect("a transaction");
        let taken = tx.take_lease("thief", self.clock.now(), Span::from_secs(15)).await.expect("read");
        assert!(taken.is_some());
        tx.commit().await.expect("committed");
        Ok("heard".into())
    }
}

#[tokio::test]
async fn what_was_sent_and_could_not_be_written_down_is_not_sent_again() {
    let mut house = House::open("  native: true\n").await;
    let thief = Arc::new(Thief { store: house.store.clone(), clock: house.clock.clone(), told: Mutex::default() });
    let notifiers = vec![Arc::clone(&thief) as Arc<dyn Notifier>];
    house.engine = engine_with(&house.store, &house.config, &house.clock, 1, notifiers);
    house.fail("web", "ERROR").await;
    for _ in 0..6 {
        for task in house.start().await {
            task.await.expect("ran");
        }
    }
    assert_eq!(house.engine.status().role, Role::Follower);
    assert_eq!(thief.told.lock().expect("played by one").len(), 1);
    assert_eq!(house.waiting().await, ["thief"]);
    // The thief is gone, and this engine leads again.
    house.clock.pass(Span::from_secs(16));
    house.settle().await;
    assert_eq!(thief.told.lock().expect("played by one").len(), 1, "it was told already");
    assert!(house.waiting().await.is_empty());
}
