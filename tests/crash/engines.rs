//! Two engines on one database with a thousand incidents, in a time lapse: the leader is killed and suspended again and
//! again, and what they did is counted from the intents and from a ledger that they did not write for us.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use selfheal_core::knowledge::{PackEntry, Rule};
use selfheal_core::{
    Action, ActionKind, BasisPoints, Fingerprint, HOUR, NewSignal, Posture, ProjectName, ServiceName, Severity,
    SignalKind, SourceName, Span, Timestamp,
};
use selfheal_engine::ports::Clock;
use selfheal_store::{Automation, IncidentFilter, Store};
use selfheal_tests::postgres::Postgres;

use crate::lapse::child::{LEASE_SECONDS, engine};
use crate::lapse::clock::Lapse;
use crate::lapse::stage::{SERVICES, Stage};
use crate::single::ports::now;

/// An hour in five seconds.
const FACTOR: i64 = 720;
/// Beyond the lease: a follower looks every quarter of a second. Who was suspended may keep the lock for longer than that.
const SLACK: Duration = Duration::from_secs(2);
/// Only so that a follower that never takes over is told instead of waited for.
const HANGS: Duration = Duration::from_secs(120);
/// Leaders killed or suspended, starts and takeovers, before it is judged: counted, since a slow machine does less in a second.
const ROUNDS: u64 = 16;
const STARTS: usize = 20;
/// Nobody goes on for ever where too little happens.
const MOST_ROUNDS: u64 = 80;

pub fn sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite:{}", folder.path().join("icdev.db").display());
    run(&folder, &database);
}

pub fn postgres() {
    let folder = tempfile::tempdir().expect("a folder");
    run(&folder, &Postgres::server().database());
}

fn run(folder: &tempfile::TempDir, database: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(play(folder, database));
}

struct Member {
    name: String,
    child: Child,
}

/// Moments at which an engine was killed, or suspended and woken: microseconds, by process id.
#[derive(Default)]
struct Fates {
    killed: BTreeMap<u32, i64>,
    frozen: Vec<(u32, i64, i64)>,
    takeovers: Vec<Duration>,
    kept_the_lock: usize,
}

async fn play(folder: &tempfile::TempDir, database: &str) {
    // Taken in real time: the lapse begins when the engines do.
    let clock = Lapse { epoch: now(), factor: 1 };
    let store = Store::open(database).await.expect("the database opens");
    prepare(&store, clock.now()).await;
    let stage = Stage { folder: folder.path().to_owned(), name: "intake".into() };
    let intake = engine(store.clone(), stage, clock, "intake".into());
    let mut times = Vec::new();
    for number in 0..SERVICES {
        let started = Instant::now();
        intake.take(&[signal(number, clock.now())], None).await.expect("taken");
        times.push(started.elapsed());
    }
    let mean = |times: &[Duration]| times.iter().sum::<Duration>().as_secs_f64() * 1e3 / times.len() as f64;
    let (first, last) = (mean(&times[..100]), mean(&times[SERVICES - 100..]));
    println!("intake of {SERVICES} incidents: {first:.1} ms each of the first hundred, {last:.1} ms each of the last");
    let clock = Lapse { epoch: now(), factor: FACTOR };
    let fates = chaos(folder, database, &store, clock).await;
    judge(folder, &store, fates).await;
}

/// What every engine knows here, and that it may act.
pub async fn prepare(store: &Store, at: Timestamp) {
    let pattern = PackEntry {
        rule: Some(Rule::regex("^fault ")),
        action: Some(Action::new(ActionKind::ServiceRestart)),
        confidence: BasisPoints::saturating(9_000),
        auto_healable: true,
        ..PackEntry::new("fault", "it failed")
    };
    let mut tx = store.write().await.expect("writes");
    tx.put_pattern(&pattern.into_pattern("lapse", at).expect("valid")).await.expect("stored");
    let switch = Automation { posture: Posture::On, then: Posture::On, ..Automation::initial(at) };
    tx.put_automation(&switch).await.expect("stored");
    tx.commit().await.expect("committed");
}

/// A failure with words of its own, so that it is nobody else's.
pub fn signal(number: usize, at: Timestamp) -> NewSignal {
    let letters = |salt: usize| -> String {
        (0..7).map(|place| char::from(b'g' + ((number * 31 + salt) / 20_usize.pow(place) % 20) as u8)).collect()
    };
    let text = format!("fault {} {} {}", letters(1_000_003), letters(2_000_003), letters(3_000_017));
    NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("lapse"),
        service: ServiceName::new(format!("s{number}")),
        project: ProjectName::new("default"),
        severity: [Severity::Critical, Severity::High, Severity::Medium][number % 3],
        fingerprint: Fingerprint::of(&[&text]),
        template: text.clone(),
        text,
        attributes: BTreeMap::new(),
        trace_id: None,
        count: 1,
        first_seen: at,
        last_seen: at,
    }
}

fn start(name: &str, folder: &tempfile::TempDir, database: &str, clock: Lapse) -> Member {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["lapse", name, database, &folder.path().display().to_string()])
        .args([clock.epoch.to_string(), clock.factor.to_string()])
        .stdin(Stdio::piped())
        .stderr(std::fs::File::create(folder.path().join(format!("{name}.log"))).expect("a log"))
        .spawn()
        .expect("the engine starts");
    Member { name: name.to_owned(), child }
}

/// Kills and suspends whoever leads, in turn, and times how long it takes until another one does.
async fn chaos(folder: &tempfile::TempDir, database: &str, store: &Store, clock: Lapse) -> Fates {
    let mut fates = Fates::default();
    let mut members = vec![start("engine-1", folder, database, clock), start("engine-2", folder, database, clock)];
    let mut round = 2;
    while round < ROUNDS || (round < MOST_ROUNDS && starts(store).await < STARTS) {
        // Long enough for a few actions; not the same phase of the lease every time.
        tokio::time::sleep(Duration::from_millis(1_200 + round * 137 % 900)).await;
        round += 1;
        let Some(holder) = holder(store, clock).await else { continue };
        let Some(index) = members.iter().position(|member| member.name == holder) else { continue };
        let pid = members[index].child.id();
        let process = Pid::from_raw(pid as i32);
        let from = (Instant::now(), now());
        if round % 2 == 1 || round < 6 {
            fates.killed.insert(pid, from.1);
            kill(process, Signal::SIGKILL).expect("killed");
            let _ = members[index].child.wait();
            members.remove(index);
            let taken = taken_over(store, clock, &holder, from.0, HANGS).await;
            fates.takeovers.push(taken.unwrap_or_else(|| panic!("nobody took over:\n{}", logs(folder.path()))));
            members.push(start(&format!("engine-{round}"), folder, database, clock));
        } else {
            kill(process, Signal::SIGSTOP).expect("suspended");
            // Suspended within a transaction it keeps the database's write lock, so that nobody can do anything.
            match taken_over(store, clock, &holder, from.0, clock.real(LEASE_SECONDS) + SLACK).await {
                Some(taken) => fates.takeovers.push(taken),
                None => fates.kept_the_lock += 1,
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
            kill(process, Signal::SIGCONT).expect("woken");
            fates.frozen.push((pid, from.1, now()));
        }
    }
    for member in &mut members {
        fates.killed.insert(member.child.id(), now());
        let _ = member.child.kill();
        let _ = member.child.wait();
    }
    fates
}

async fn holder(store: &Store, clock: Lapse) -> Option<String> {
    let mut tx = store.read().await.expect("reads");
    tx.lease_holder(clock.now()).await.expect("read")
}

/// The last words of each engine.
fn logs(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let logs = files.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|ending| ending == "log"));
    logs.map(|path| {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let last: Vec<&str> = text.lines().rev().take(5).collect();
        format!("{}\n{}\n", path.display(), last.join("\n"))
    })
    .collect()
}

/// How many actions were started so far.
async fn starts(store: &Store) -> usize {
    let mut tx = store.read().await.expect("reads");
    tx.latest_events(100_000).await.expect("read").len()
}

/// How long it took until another engine led; `None` where none does within the limit.
async fn taken_over(store: &Store, clock: Lapse, from: &str, since: Instant, limit: Duration) -> Option<Duration> {
    while since.elapsed() < limit {
        if holder(store, clock).await.is_some_and(|holder| holder != from) {
            return Some(since.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}

/// Counts, prints and judges.
async fn judge(folder: &tempfile::TempDir, store: &Store, fates: Fates) {
    let mut tx = store.read().await.expect("reads");
    let mut events = tx.latest_events(100_000).await.expect("read");
    events.sort_by_key(|event| (event.started_at, event.id));
    let starts: Vec<Timestamp> = events.iter().map(|event| event.started_at).collect();
    let over_limit = starts.windows(6).filter(|six| six[5].since(six[0]) < HOUR).count();
    let mut of_target: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for event in &events {
        of_target.entry(event.plan.target.canonical()).or_default().push(event.started_at);
    }
    let too_soon = of_target
        .values()
        .flat_map(|starts| starts.windows(2))
        .filter(|pair| pair[1].since(pair[0]) < Span::from_minutes(10))
        .count();
    let again = of_target.values().filter(|starts| starts.len() > 1).count();
    let text = std::fs::read_to_string(folder.path().join("ledger")).unwrap_or_default();
    let (begun, twice, overlaps, thawed) = steps(&text, &fates);
    let (_, audit) = tx.verify_audit(Default::default()).await.expect("read");
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for incident in tx.list_incidents(&IncidentFilter { limit: 10_000, ..Default::default() }).await.expect("read") {
        *states.entry(incident.state.name()).or_default() += 1;
    }
    let lease = Lapse { epoch: 0, factor: FACTOR }.real(LEASE_SECONDS);
    let mut takeovers = fates.takeovers.clone();
    takeovers.sort();
    let seconds = |at: usize| takeovers.get(at).copied().unwrap_or_default().as_secs_f64();
    let last = takeovers.len().saturating_sub(1);
    let hours =
        starts.last().zip(starts.first()).map_or(0.0, |(last, first)| last.since(*first).as_secs_f64() / 3_600.0);
    println!(
        "{:<58} {:>10}",
        format!("{} of {SERVICES} incidents, on {}", states.values().sum::<usize>(), store.kind()),
        ""
    );
    for (what, value) in [
        ("hours in the lapse between the first start and the last", format!("{hours:.1}")),
        ("leaders killed, suspended", format!("{}, {}", fates.killed.len().saturating_sub(2), fates.frozen.len())),
        ("suspended within a transaction: nobody writes meanwhile", fates.kept_the_lock.to_string()),
        ("intents, steps begun", format!("{}, {begun}", events.len())),
        ("targets started more than once", again.to_string()),
        ("steps begun twice", twice.to_string()),
        ("starts beyond 5 in 60 minutes", over_limit.to_string()),
        ("same action on the same target within 10 minutes", too_soon.to_string()),
        ("steps that overlap", overlaps.to_string()),
        ("begun while a suspended engine was within a step", thawed.to_string()),
        ("takeover, shortest, median, longest; lease (s)", {
            format!("{:.2} {:.2} {:.2}; {:.2}", seconds(0), seconds(last / 2), seconds(last), lease.as_secs_f64())
        }),
        ("states at the end", format!("{states:?}")),
    ] {
        println!("  {what:<58} {value}");
    }
    assert_eq!((twice, over_limit, too_soon, overlaps), (0, 0, 0, 0));
    assert!(begun <= events.len(), "more steps than intents");
    assert!(events.len() >= 10, "only {} actions were started:\n{}", events.len(), logs(folder.path()));
    assert!(again > 0, "no target was started twice: the cooldown was not tried");
    assert!(takeovers.len() >= 6, "only {} takeovers", takeovers.len());
    assert!(audit.is_none(), "{audit:?}");
}

/// Steps begun, begun twice, overlapping, and those that only overlap because their engine was suspended within them.
fn steps(ledger: &str, fates: &Fates) -> (usize, usize, usize, usize) {
    let mut lines: Vec<(i64, Vec<&str>)> = ledger
        .lines()
        .filter_map(|line| {
            let (at, rest) = line.split_once(' ')?;
            Some((at.parse().ok()?, rest.split(' ').collect()))
        })
        .collect();
    lines.sort();
    let (mut begun, mut twice, mut overlaps, mut thawed) = (BTreeSet::new(), 0, 0, 0);
    let mut running: BTreeMap<u32, i64> = BTreeMap::new();
    for (at, words) in &lines {
        let [what, pid, incident, attempt, _] = words.as_slice() else { continue };
        let pid: u32 = pid.parse().expect("a process id");
        if *what == "end" {
            running.remove(&pid);
            continue;
        }
        twice += usize::from(!begun.insert((*incident, *attempt)));
        running.retain(|pid, _| fates.killed.get(pid).is_none_or(|killed| at < killed));
        for (other, since) in &running {
            // Begun before it was suspended; the signal takes a moment to arrive.
            let frozen =
                fates.frozen.iter().any(|(pid, from, _)| pid == other && *since <= from + 20_000 && from <= at);
            if frozen { thawed += 1 } else { overlaps += 1 }
        }
        running.insert(pid, *at);
    }
    (begun.len(), twice, overlaps, thawed)
}
