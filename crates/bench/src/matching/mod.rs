//! Finding patterns by their text: ours beside other search engines, on the same texts in the same run.

mod data;
mod fts5;
#[cfg(feature = "peers")]
mod peers;
mod subject;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use selfheal_core::matching::KnowledgeBase;

use crate::spread::{Spread, median, share};
pub use data::Data;
use data::own;
pub use fts5::Fts5;
#[cfg(feature = "peers")]
pub use peers::Tantivy;
use subject::{SUBJECTS, Subject};

pub struct Settings {
    pub patterns: Vec<usize>,
    pub queries: usize,
    pub words: usize,
    pub edits: usize,
    pub runs: usize,
}

/// Measured times of one subject.
#[derive(Default)]
struct Times {
    middles: Vec<Duration>,
    queries: Vec<Duration>,
    edits: Vec<Duration>,
}

pub fn run(settings: &Settings) -> anyhow::Result<()> {
    for patterns in &settings.patterns {
        measure(*patterns, settings).with_context(|| format!("with {patterns} patterns"))?;
    }
    Ok(())
}

fn measure(patterns: usize, settings: &Settings) -> anyhow::Result<()> {
    let data = Data::new(patterns);
    let queries: Vec<Vec<String>> = (0..settings.queries).map(|i| data.query(i, settings.words)).collect();
    println!(
        "\n{patterns} patterns of 30 words, {} queries of {} words, best 10, {} runs in turn",
        queries.len(),
        settings.words,
        settings.runs
    );
    println!("{}", exactness(&data, &queries)?);
    let mut subjects = SUBJECTS.iter().map(|(_, make)| make(&data)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut times: Vec<Times> = subjects.iter().map(|_| Times::default()).collect();
    for round in 0..settings.runs {
        // In turn, so that a drift of the machine's speed meets all.
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            time_queries(subject.as_mut(), &queries, times)?;
        }
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            let edits = (0..settings.edits).map(|i| (round * settings.edits + i) * 31 % patterns);
            time_edits(subject.as_mut(), &data, edits, patterns, times)?;
        }
    }
    println!(
        "{:32} {:>32} {:>9} {:>9} {:>11} {:>9} {:>9}",
        "", "query p50 us (low to high)", "ratio", "p99 us", "edit us", "ratio", "MB"
    );
    let first = (Spread::of(times[0].middles.clone()), median(&mut times[0].edits.clone()));
    for ((subject, times), (name, _)) in subjects.iter().zip(&mut times).zip(SUBJECTS) {
        let (spread, edit) = (Spread::of(times.middles.clone()), median(&mut times.edits));
        println!(
            "{:32} {:>32} {:>9.1} {:>9.1} {:>11.1} {:>9.1} {:>9.1}",
            subject.name(),
            spread.to_string(),
            spread.middle / first.0.middle,
            share(&mut times.queries, 0.99).as_secs_f64() * 1e6,
            edit.as_secs_f64() * 1e6,
            edit.as_secs_f64() / first.1.as_secs_f64(),
            memory_in_a_process(name, patterns)?
        );
    }
    Ok(())
}

/// Compares the best 10 of every query with those of scoring every pattern, before and after edits.
fn exactness(data: &Data, queries: &[Vec<String>]) -> anyhow::Result<String> {
    let (mut base, problems) = KnowledgeBase::new(data.all());
    ensure!(problems.is_empty(), "{problems:?}");
    let mut compared = 0;
    for round in 0..2 {
        let index = base.index();
        for query in queries.iter().step_by(1 + data.patterns / 10_000) {
            let terms = index.terms(query);
            let mut all: Vec<(f64, &str)> = (0..index.slots() as u32)
                .filter_map(|slot| Some((index.score(slot, &terms), index.key(slot)?)))
                .filter(|(score, _)| *score > 0.0)
                .collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
            all.truncate(10);
            let hits = index.top(&terms, 10, |_| true);
            let found: Vec<(f64, &str)> =
                hits.iter().map(|hit| (hit.score, index.key(hit.slot).unwrap_or("-"))).collect();
            ensure!(found == all, "the best of {query:?} are {all:?}, found {found:?}");
            compared += 1;
        }
        if round == 0 {
            for number in (0..data.patterns).step_by(17) {
                let mut pattern = data.pattern(number + data.patterns);
                pattern.id = data.pattern(number).id;
                base.insert(pattern).map_err(anyhow::Error::msg)?;
            }
        }
    }
    Ok(format!(
        "{compared} results equal to those of scoring every pattern, bit for bit, half of them after {} edits",
        data.patterns / 17
    ))
}

fn time_queries(subject: &mut dyn Subject, queries: &[Vec<String>], times: &mut Times) -> anyhow::Result<()> {
    let mut own = Vec::with_capacity(queries.len());
    for query in queries {
        let start = Instant::now();
        std::hint::black_box(subject.search(query)?);
        own.push(start.elapsed());
    }
    times.middles.push(median(&mut own));
    times.queries.extend(own);
    Ok(())
}

/// From the call that changes a pattern to a search that has found the change.
fn time_edits(
    subject: &mut dyn Subject,
    data: &Data,
    numbers: impl Iterator<Item = usize>,
    patterns: usize,
    times: &mut Times,
) -> anyhow::Result<()> {
    for number in numbers {
        let mut pattern = data.pattern(patterns + times.edits.len() + number);
        pattern.id = data.pattern(number).id;
        let word = format!("edit{}", own(times.edits.len()));
        pattern.name = format!("{word} {}", pattern.name);
        let start = Instant::now();
        subject.edit(&pattern)?;
        let found = subject.search(std::slice::from_ref(&word))?;
        times.edits.push(start.elapsed());
        ensure!(found == [pattern.id.to_string()], "{} finds {found:?} for {word}", subject.name());
    }
    Ok(())
}

/// Mebibytes that become resident when a subject is made, in a process that does nothing else.
#[expect(clippy::disallowed_methods, reason = "this program alone, to see what a process of its own holds")]
fn memory_in_a_process(name: &str, patterns: usize) -> anyhow::Result<f64> {
    let output = Command::new(std::env::current_exe()?).args(["match-memory", name, &patterns.to_string()]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

pub fn memory(name: &str, patterns: usize) -> anyhow::Result<()> {
    let (_, make) = SUBJECTS.iter().find(|(own, _)| *own == name).context("no such subject")?;
    let data = Data::new(patterns);
    let before = resident()?;
    let subject = make(&data)?;
    println!("{:.1}", (resident()? - before) / f64::from(1 << 20));
    drop(subject);
    Ok(())
}

fn resident() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("resident memory is read from /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024.0)
}
