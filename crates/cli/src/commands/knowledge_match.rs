//! `selfheal knowledge match`: lines of any number, in constant memory, each answered as soon as it can be.
//!
//! Three things go on at once: one thread reads, batches are matched, and what is matched is written in the order of the lines.

use std::collections::VecDeque;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use selfheal_api::view::{MatchView, RuleState};
use selfheal_api::{Client, ClientError};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::lines::{self, Line};
use crate::output;

/// Lines and bytes matched in one request: 1 MiB leaves room for what JSON adds.
const LINES: usize = 1_000;
const BYTES: usize = 1 << 20;
/// Batches that are matched while another one is read.
const AT_ONCE: usize = 2;
/// A line waits at most this long for others to be matched with.
const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Deserialize)]
struct Reply {
    lines: Vec<Vec<MatchView>>,
}

type Matching = (Vec<Line>, JoinHandle<Result<Reply, ClientError>>);

pub async fn run(client: Arc<Client>, as_json: bool, file: &str, settings: Value) -> anyhow::Result<()> {
    let reader = lines::open(file)?;
    let (read, mut lines) = mpsc::channel(LINES);
    // A thread of its own: reading a pipe may wait for ever, and the process may end meanwhile.
    std::thread::spawn(move || {
        let mut reader = reader;
        let (mut first, mut warned) = (true, false);
        loop {
            match lines::next_line(&mut *reader) {
                Ok(Some(mut line)) => {
                    if !warned && lines::looks_like_utf16(&line.text) {
                        warned = true;
                        output::note!(
                            "warning: every other byte is zero: this looks like UTF-16, and words in it are not found. Convert it first, e.g. with `iconv -f UTF-16 -t UTF-8`."
                        );
                    }
                    line.text = lines::plain(&line.text, std::mem::take(&mut first));
                    if read.blocking_send(Ok(line)).is_err() {
                        return;
                    }
                }
                Err(error) => return drop(read.blocking_send(Err(error))),
                Ok(None) => return,
            }
        }
    });
    let mut writer = Writer {
        out: BufWriter::new(std::io::stdout()),
        as_json,
        number: 0,
        matched: 0,
        weaker: 0,
        cut: 0,
        first_cut: 0,
    };
    let mut under_way: VecDeque<Matching> = VecDeque::new();
    let mut open = true;
    while open || !under_way.is_empty() {
        tokio::select! {
            batch = next_batch(&mut lines), if open && under_way.len() < AT_ONCE => match batch? {
                Some(batch) => {
                    let (client, mut body) = (Arc::clone(&client), settings.clone());
                    body["lines"] = batch.iter().map(|line| line.text.as_str()).collect();
                    let matching = async move { client.post("/api/v1/knowledge/match", &body).await };
                    under_way.push_back((batch, tokio::spawn(matching)));
                }
                None => open = false,
            },
            reply = oldest(&mut under_way), if !under_way.is_empty() => {
                let Some((batch, _)) = under_way.pop_front() else { continue };
                if !writer.write(&batch, &reply??.lines)? {
                    // Nobody reads any more: `| head` has what it wanted.
                    return Ok(());
                }
            }
        }
    }
    writer.sum_up();
    if writer.cut > 0 {
        output::note!(
            "{} longer than {} bytes (the first is line {}): only the beginning was matched.",
            if writer.cut == 1 { "1 line was".to_owned() } else { format!("{} lines were", writer.cut) },
            lines::LINE,
            writer.first_cut
        );
    }
    Ok(())
}

async fn oldest(under_way: &mut VecDeque<Matching>) -> Result<Result<Reply, ClientError>, tokio::task::JoinError> {
    match under_way.front_mut() {
        Some((_, matching)) => matching.await,
        None => std::future::pending().await,
    }
}

/// What was read meanwhile, at most a batch; waits for the first line only. `None` at the end.
///
/// Cancelled only between lines: `recv_many` loses nothing, and what it took is given back at once.
async fn next_batch(lines: &mut mpsc::Receiver<anyhow::Result<Line>>) -> anyhow::Result<Option<Vec<Line>>> {
    let mut taken = Vec::new();
    if lines.recv_many(&mut taken, 1).await == 0 {
        return Ok(None);
    }
    let mut batch = vec![taken.remove(0)?];
    let mut bytes = batch[0].text.len();
    // Not awaited: a batch that has begun is never dropped half-way.
    let until = std::time::Instant::now() + PATIENCE;
    while batch.len() < LINES && bytes < BYTES {
        match lines.try_recv() {
            Ok(line) => {
                let line = line?;
                bytes += line.text.len();
                batch.push(line);
            }
            Err(mpsc::error::TryRecvError::Disconnected) => break,
            Err(mpsc::error::TryRecvError::Empty) if std::time::Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(mpsc::error::TryRecvError::Empty) => break,
        }
    }
    Ok(Some(batch))
}

struct Writer {
    out: BufWriter<std::io::Stdout>,
    as_json: bool,
    number: u64,
    /// Lines for which something was shown.
    matched: u64,
    /// Matches that were too weak to be shown.
    weaker: u64,
    cut: u64,
    first_cut: u64,
}

impl Writer {
    /// Writes what a batch matched. False where the reader went away.
    fn write(&mut self, batch: &[Line], found: &[Vec<MatchView>]) -> anyhow::Result<bool> {
        anyhow::ensure!(batch.len() == found.len(), "the engine answered {} of {} lines", found.len(), batch.len());
        for (line, matches) in batch.iter().zip(found) {
            self.number += 1;
            if line.cut {
                self.cut += 1;
                self.first_cut = if self.first_cut == 0 { self.number } else { self.first_cut };
            }
            let text = if self.as_json {
                let mut document =
                    json!({ "line": self.number, "matches": matches.iter().map(explained).collect::<Vec<_>>() });
                if line.cut {
                    document["cut_at"] = json!(lines::LINE);
                }
                selfheal_core::visible_json(&document.to_string()).into_owned()
            } else {
                let shown: Vec<&MatchView> = matches.iter().filter(|found| is_shown(found)).collect();
                self.weaker += (matches.len() - shown.len()) as u64;
                if shown.is_empty() {
                    continue;
                }
                self.matched += 1;
                output::harmless(&told(self.number, &line.text, &shown))
            };
            let written = writeln!(self.out, "{text}");
            if !went(written)? {
                return Ok(false);
            }
        }
        let flushed = self.out.flush();
        went(flushed)
    }

    /// Says what the output leaves open: that nothing matched, and what is not shown. JSON has every line and match itself.
    fn sum_up(&self) {
        if self.as_json {
            return;
        }
        if self.matched == 0 && (self.number > 0 || std::io::stdout().is_terminal()) {
            output::note!("0 of {} matched.", output::count(self.number, "line"));
        }
        if self.weaker > 0 {
            output::note!("{} weaker (relevance below {WEAK:.2}): --json shows them.", self.weaker);
        }
    }
}

/// Relevance below which a match is more likely noise than help.
const WEAK: f64 = 0.30;

/// Whether people are shown a match: it is strong enough, or its rule holds, which nobody should overlook.
fn is_shown(found: &MatchView) -> bool {
    found.relevance >= WEAK || found.rule == RuleState::Satisfied
}

/// False where the reader went away.
fn went(written: std::io::Result<()>) -> anyhow::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(anyhow::Error::new(error).context("the output cannot be written")),
    }
}

/// Characters of a line that are shown.
const SHOWN: usize = 160;

fn told(number: u64, text: &str, found: &[&MatchView]) -> String {
    let short: String = text.chars().take(SHOWN).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    let mut told = format!("{number}: {short}{dots}");
    for one in found {
        let why = match (one.rule, &one.rule_detail) {
            (RuleState::Satisfied, Some(condition)) => condition.clone(),
            _ => {
                let terms: Vec<&str> = one.terms.iter().take(4).map(|term| term.term.as_str()).collect();
                format!("similar text: {}", terms.join(", "))
            }
        };
        told.push_str(&format!(
            "\n    {} ({}): relevance {:.2}, decision confidence {:.2}; {why}",
            one.name, one.pattern, one.relevance, one.decision_confidence
        ));
    }
    told
}

fn explained(found: &MatchView) -> Value {
    json!({
        "pattern": found.pattern,
        "relevance": found.relevance,
        "decision_confidence": found.decision_confidence,
        "explanation": { "rule": found.rule, "rule_detail": found.rule_detail, "basis": found.basis, "items": found.items, "terms": found.terms, "notes": found.notes },
    })
}
