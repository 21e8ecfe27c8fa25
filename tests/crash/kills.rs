//! kill -9 at every commit point and in the middle of every step, over and over, on several homes at once.
//!
//! Points are found by being passed: whatever an engine commits under a new name is killed at from then on. Each child is
//! killed before and after its commits, around and within steps, previews, probes, notices and polls; then an engine without
//! a fault brings everything to rest, and the witnesses are heard.
//!
//! What is counted is points, never seconds: how long an engine is waited for is told by how often it looked at its
//! services, so that a slow machine takes longer and says the same.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use selfheal_tests::postgres::Postgres;

use crate::single::home::{Engine, Home, SERVICES};
use crate::single::witness::{Report, examine};

/// What one point was good for.
#[derive(Clone, Debug, Default)]
struct Tally {
    tried: usize,
    kills: usize,
    healed: usize,
    handed_over: usize,
}

/// Which point is next: the one that was tried least, those that were never died at first.
#[derive(Debug, Default)]
struct Schedule {
    points: BTreeMap<String, Tally>,
}

impl Schedule {
    fn next(&mut self) -> (String, usize) {
        let weight = |tally: &Tally| tally.tried + if tally.kills >= 2 { 3 } else { 0 };
        let named = self.points.iter().filter(|(name, _)| *name != AT_REST);
        let least = named.min_by_key(|(_, tally)| weight(tally)).map(|(name, _)| name.clone());
        let name = least.unwrap_or_else(|| "before commit: lease taken".to_owned());
        let tally = self.points.entry(name.clone()).or_default();
        tally.tried += 1;
        // The first pass is the surest; later ones find an engine that is further on.
        (name, if tally.tried <= 4 || tally.kills == 0 { 1 } else { 1 + tally.tried % 3 })
    }

    /// What became of the incidents that these points were died at in.
    fn count(&mut self, killed: Vec<String>, handed_over: bool) {
        for point in killed {
            let tally = self.points.entry(point).or_default();
            tally.kills += 1;
            tally.handed_over += usize::from(handed_over);
            tally.healed += usize::from(!handed_over);
        }
    }

    fn tries(&self) -> usize {
        self.points.values().map(|tally| tally.tried).sum()
    }

    fn kills(&self) -> usize {
        // Those at rest are for nothing: what they died at is not known.
        self.points.iter().filter(|(name, _)| *name != AT_REST).map(|(_, tally)| tally.kills).sum()
    }

    /// Enough kills, and each point that can be died at was. Nobody tries for ever where engines do not die.
    fn is_done(&self, wanted: usize) -> bool {
        let enough = self.kills() >= wanted && self.points.values().all(|tally| tally.kills >= 2 || tally.tried >= 8);
        enough || self.tries() >= wanted * TRIES_PER_KILL
    }
}

struct Plan {
    homes: u16,
    on_postgres: u16,
    kills: usize,
}

/// At about one in two an engine dies where it should; the others are at rest before.
const TRIES_PER_KILL: usize = 6;
/// So many checks of its two services, and what was broken has been noticed.
const NOTICED: usize = 4;
/// So many without dying and without rest, and this engine will do neither.
const ENOUGH: usize = 14;
/// So many without a fault, and something is stuck.
const STUCK: usize = 400;
/// So many at rest, and nothing more is on its way.
const SETTLED: usize = 6;
/// Only so that an engine that does nothing at all is told instead of waited for.
const HANGS: Duration = Duration::from_secs(300);

const AT_REST: &str = "at rest, at any moment";

pub fn run() {
    let long = std::env::var_os("CRASH_LONG").is_some();
    let plan = if long {
        Plan { homes: 12, on_postgres: 4, kills: 2_000 }
    } else {
        Plan { homes: 10, on_postgres: 3, kills: 220 }
    };
    let schedule = Arc::new(Mutex::new(Schedule::default()));
    for point in ["before step", "mid step", "after step"] {
        schedule.lock().expect("not poisoned").points.insert(point.to_owned(), Tally::default());
    }
    let (schedule_of, wanted, on_postgres) = (&schedule, plan.kills, plan.on_postgres);
    let reports: Vec<(&str, Report)> = std::thread::scope(|scope| {
        let homes: Vec<_> = (0..plan.homes)
            .map(|number| {
                scope.spawn(move || {
                    let database = (number < on_postgres).then(|| Postgres::server().database());
                    let kind = if database.is_some() { "PostgreSQL" } else { "SQLite" };
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    let life = live(number, database, schedule_of, wanted);
                    (kind, runtime.expect("a runtime").block_on(life))
                })
            })
            .collect();
        homes.into_iter().map(|home| home.join().expect("the home's thread")).collect()
    });
    let schedule = schedule.lock().expect("not poisoned");
    print(&schedule, &reports);
    let broken: Vec<&String> = reports.iter().flat_map(|(_, report)| &report.broken).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(schedule.kills() >= 200, "only {} kills in {} tries", schedule.kills(), schedule.tries());
    for must in ["before step", "mid step", "after step"] {
        assert!(schedule.points[must].kills >= 2, "never killed {must}");
    }
    assert!(reports.iter().map(|(_, report)| report.unknown).sum::<usize>() > 0, "no outcome was ever unknown");
}

/// One home: broken, killed, and brought to rest, again and again.
async fn live(number: u16, database: Option<String>, schedule: &Mutex<Schedule>, wanted: usize) -> Report {
    let mut home = Home::open(number, database).await;
    let mut round = usize::from(number);
    while !schedule.lock().expect("not poisoned").is_done(wanted) {
        round += 1;
        let name = SERVICES[round % 2];
        home.break_service(name, round % 4 < 2);
        let (mut killed, mut handed_over) = (Vec::new(), false);
        for _ in 0..6 {
            home.tidy().await.expect("the database answers");
            let (point, nth) = schedule.lock().expect("not poisoned").next();
            let engine = home.engine(Some((&point, nth)));
            match watch(&mut home, engine, ENOUGH, &mut handed_over).await {
                Ended::Died => killed.push(point),
                Ended::Quiet => {
                    killed.push(AT_REST.to_owned());
                    round += 1;
                    home.break_service(SERVICES[round % 2], round % 4 < 2);
                }
                Ended::TimedOut => killed.push(AT_REST.to_owned()),
                Ended::ByItself(status) => {
                    let mut report = examine(&home).await;
                    report.broken.push(format!("an engine ended by itself ({status}): {}", home.tail_of_stderr()));
                    return report;
                }
            }
            learn_points(&home, schedule);
        }
        let engine = home.engine(None);
        let ended = watch(&mut home, engine, STUCK, &mut handed_over).await;
        schedule.lock().expect("not poisoned").count(killed, handed_over);
        if !matches!(ended, Ended::Quiet) {
            let mut report = examine(&home).await;
            report.broken.push(format!("home {number} does not come to rest: {}", home.tail_of_stderr()));
            return report;
        }
    }
    settle(&mut home).await;
    examine(&home).await
}

enum Ended {
    Died,
    Quiet,
    TimedOut,
    ByItself(ExitStatus),
}

/// Feeds signals and plays the person until the engine dies or everything is at rest. The engine is dead afterwards.
/// `limit` is a number of checks.
async fn watch(home: &mut Home, mut engine: Engine, limit: usize, handed_over: &mut bool) -> Ended {
    let hangs = tokio::time::Instant::now() + HANGS;
    loop {
        if let Some(status) = engine.status() {
            return if status.signal() == Some(9) { Ended::Died } else { Ended::ByItself(status) };
        }
        home.feed(&mut engine);
        *handed_over |= home.be_a_person().await.expect("the database answers");
        let checks = home.checks_of(&engine);
        if checks >= NOTICED && home.is_quiet().await.expect("the database answers") {
            engine.kill();
            return Ended::Quiet;
        }
        if checks >= limit || tokio::time::Instant::now() > hangs {
            engine.kill();
            return Ended::TimedOut;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Lets an engine without a fault read the file to its end and do what is left.
async fn settle(home: &mut Home) {
    let engine = home.engine(None);
    let hangs = tokio::time::Instant::now() + HANGS;
    let mut quiet_since = None;
    while home.checks_of(&engine) < STUCK && tokio::time::Instant::now() < hangs {
        tokio::time::sleep(Duration::from_millis(250)).await;
        home.be_a_person().await.expect("the database answers");
        let mut tx = home.store.read().await.expect("reads");
        let waiting = tx.next_effect_due().await.expect("read").is_some();
        drop(tx);
        let checks = home.checks_of(&engine);
        if waiting || !home.is_quiet().await.expect("the database answers") {
            quiet_since = None;
        } else if checks >= *quiet_since.get_or_insert(checks) + SETTLED {
            break;
        }
    }
    engine.kill();
}

fn learn_points(home: &Home, schedule: &Mutex<Schedule>) {
    let seen = std::fs::read_to_string(home.path("points")).unwrap_or_default();
    let mut schedule = schedule.lock().expect("not poisoned");
    for point in seen.lines() {
        if !schedule.points.contains_key(point) {
            schedule.points.insert(point.to_owned(), Tally::default());
        }
    }
}

fn print(schedule: &Schedule, reports: &[(&str, Report)]) {
    println!("{:<62} {:>5} {:>6} {:>6} {:>11}", "point", "tried", "kills", "healed", "to a person");
    for (point, tally) in &schedule.points {
        let Tally { tried, kills, healed, handed_over } = tally;
        println!("{point:<62} {tried:>5} {kills:>6} {healed:>6} {handed_over:>11}");
    }
    println!("{:<62} {:>5} {:>6}", "all, without those at rest", "", schedule.kills());
    for kind in ["SQLite", "PostgreSQL"] {
        let sum =
            |of: fn(&Report) -> usize| reports.iter().filter(|(k, _)| *k == kind).map(|(_, r)| of(r)).sum::<usize>();
        println!(
            "{kind}: {} acknowledged signals, {} lines of a followed file; {} intents, {} starts; {} steps cut off, {} outcomes unknown",
            sum(|r| r.acknowledged),
            sum(|r| r.lines),
            sum(|r| r.intents),
            sum(|r| r.starts),
            sum(|r| r.interrupted),
            sum(|r| r.unknown),
        );
    }
}
