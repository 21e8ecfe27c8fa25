//! The file source against real files: rotated, truncated, half written, and read again.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use selfheal_adapters::FileSource;
use selfheal_core::{SourceName, Span, Timestamp, config};
use selfheal_engine::ports::{Batch, Checkpoint, Source, SourceError};

/// A log and a source that follows it. Time moves only when told.
struct Follow {
    directory: tempfile::TempDir,
    source: FileSource,
    from_start: bool,
    at: Option<Checkpoint>,
    now: Timestamp,
}

impl Follow {
    fn new(from_start: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let source = source(directory.path().join("app.log"), from_start);
        Self { directory, source, from_start, at: None, now: Timestamp::from_micros(1_772_300_000_000_000) }
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("app.log")
    }

    fn append(&self, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.log()).expect("the log can be written");
        file.write_all(text.as_ref()).expect("the log can be written");
    }

    /// Rotates by rename, as logrotate does with any number of old files.
    fn rotate(&self) {
        let numbered = |n: usize| self.directory.path().join(format!("app.log.{n}"));
        let count = (1..).take_while(|n| numbered(*n).exists()).count();
        for n in (1..=count).rev() {
            fs::rename(numbered(n), numbered(n + 1)).expect("renames");
        }
        if self.log().exists() {
            fs::rename(self.log(), numbered(1)).expect("renames");
        }
    }

    fn restart(&mut self) {
        self.source = source(self.log(), self.from_start);
    }

    fn wait(&mut self, milliseconds: u64) {
        self.now = self.now + Span::from_millis(milliseconds);
    }

    /// Polls as an engine that cannot store what it got.
    async fn peek(&mut self) -> Result<Batch, SourceError> {
        self.source.poll(self.at.as_ref(), self.now).await
    }

    /// Polls once and stores.
    async fn poll(&mut self) -> Result<Vec<String>, SourceError> {
        let batch = self.peek().await?;
        self.at = batch.checkpoint.or(self.at.take());
        Ok(batch.records.into_iter().map(|record| record.raw).collect())
    }

    /// Polls until nothing came for a while.
    async fn drain(&mut self) -> Vec<String> {
        let (mut records, mut idle) = (Vec::new(), 0);
        while idle < 4 {
            let before = self.at.clone();
            let new = self.poll().await.unwrap_or_default();
            idle = if new.is_empty() && self.at == before { idle + 1 } else { 0 };
            records.extend(new);
            self.wait(600);
        }
        records
    }
}

fn source(path: PathBuf, from_start: bool) -> FileSource {
    FileSource::new(SourceName::new("app"), &config::FileSource { path, from_start })
}

fn raws(batch: &Batch) -> Vec<&str> {
    batch.records.iter().map(|record| record.raw.as_str()).collect()
}

#[tokio::test]
async fn begins_at_the_end_or_the_start() {
    for (from_start, expected) in [(false, vec!["new"]), (true, vec!["old", "new"])] {
        let mut follow = Follow::new(from_start);
        follow.append("old\n");
        let mut records = follow.poll().await.expect("reads");
        follow.append("new\n");
        records.extend(follow.drain().await);
        assert_eq!(records, expected, "from_start: {from_start}");
    }
    let mut follow = Follow::new(false);
    follow.append("half a li");
    follow.poll().await.expect("reads");
    follow.append("ne\nnew\n");
    assert_eq!(follow.drain().await, ["new"], "a line that began before is not wanted");
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_read_again_in_parts() {
    let mut follow = Follow::new(true);
    follow.append("1\n2\n3\n4\n5\n\n");
    assert_eq!(raws(&follow.peek().await.expect("reads")), ["1", "2", "3", "4", "5"]);
    follow.source.at_most(2);
    for expected in [&["1", "2"][..], &["3", "4"], &["5"]] {
        let more = follow.peek().await.expect("reads").more;
        assert_eq!(
            (follow.poll().await.expect("reads"), more),
            (expected.iter().map(|r| (*r).to_owned()).collect(), expected.len() == 2)
        );
    }
}

#[tokio::test]
async fn a_start_that_was_not_stored_is_kept() {
    let mut follow = Follow::new(false);
    follow.append("old\n");
    follow.peek().await.expect("reads");
    follow.append("new\n");
    assert_eq!(follow.drain().await, ["new"]);
}

#[tokio::test]
async fn a_file_that_comes_later_is_read_from_its_start() {
    let mut follow = Follow::new(false);
    let SourceError::Unreadable { what, why, next } = follow.poll().await.expect_err("it is not there");
    assert_eq!(what, follow.log().display().to_string());
    assert_eq!(why, "there is no such file (yet)");
    assert!(next.contains("`path`"));
    follow.append("first\n");
    assert_eq!(follow.drain().await, ["first"]);
}

#[tokio::test]
async fn a_last_record_waits_for_its_end() {
    let mut follow = Follow::new(true);
    follow.append("one\ntwo");
    assert_eq!(follow.poll().await.expect("reads"), [""; 0], "half a line may turn out to belong to the one before");
    follow.wait(499);
    assert_eq!(follow.poll().await.expect("reads"), [""; 0]);
    follow.append(" and a half\n");
    assert_eq!(follow.poll().await.expect("reads"), ["one"]);
    let stored = follow.at.clone();
    assert_eq!(follow.poll().await.expect("reads"), [""; 0], "it may have continuation lines");
    assert_eq!(follow.at, stored, "the position is before the record that waits");
    follow.wait(499);
    assert_eq!(follow.poll().await.expect("reads"), [""; 0]);
    follow.wait(1);
    assert_eq!(follow.poll().await.expect("reads"), ["two and a half"]);
}

#[tokio::test]
async fn a_trace_is_joined_across_polls_and_a_restart() {
    let mut follow = Follow::new(true);
    follow.append("2026-02-28T14:02:00Z ERROR pay failed\n");
    assert_eq!(follow.poll().await.expect("reads"), [""; 0]);
    follow.append("Traceback (most recent call last):\n  File \"a.py\", line 1\n");
    follow.wait(100);
    assert_eq!(follow.poll().await.expect("reads"), [""; 0]);
    follow.restart();
    follow.append("ValueError: bad\nINFO next\n");
    let batch = follow.peek().await.expect("reads");
    assert_eq!(batch.records.len(), 1);
    let record = &batch.records[0];
    assert!(record.raw.ends_with("ValueError: bad"), "{}", record.raw);
    assert_eq!(record.at.to_rfc3339(), "2026-02-28T14:02:00Z");
    assert_eq!(record.level, Some(selfheal_core::Level::Error));
}

#[tokio::test]
async fn the_same_checkpoint_reads_the_same() {
    let mut follow = Follow::new(true);
    follow.append("a\nb\nc\n");
    let first = raws(&follow.peek().await.expect("reads")).join(",");
    let again = raws(&follow.peek().await.expect("reads")).join(",");
    assert_eq!((first.as_str(), again.as_str()), ("a,b", "a,b"));
    follow.poll().await.expect("reads");
    follow.wait(600);
    for _ in 0..2 {
        assert_eq!(raws(&follow.peek().await.expect("reads")), ["c"], "what was handed out for quiet comes again too");
    }
    // Also over a rotation, when the next position is in the new file already.
    follow.rotate();
    follow.append("d\n");
    let batch = follow.peek().await.expect("reads");
    assert_eq!((raws(&batch), batch.more), (vec!["c"], true));
    assert_eq!(raws(&follow.peek().await.expect("reads")), ["c"]);
    assert_eq!(follow.drain().await, ["c", "d"]);
    let idle = follow.peek().await.expect("reads");
    assert_eq!((idle.records.len(), idle.checkpoint, idle.more), (0, None, false));
}

#[tokio::test]
async fn a_renamed_file_is_finished_before_the_new_one() {
    for restarted in [false, true] {
        let mut follow = Follow::new(true);
        follow.append("a\n");
        follow.drain().await;
        follow.append("b\n");
        follow.rotate();
        follow.append("c\n");
        follow.rotate();
        follow.append("d\n");
        if restarted {
            follow.restart();
        }
        assert_eq!(follow.drain().await, ["b", "c", "d"], "restarted: {restarted}");
    }
}

#[tokio::test]
async fn a_writer_that_still_holds_the_renamed_file_is_heard() {
    let mut follow = Follow::new(true);
    follow.append("a\n");
    follow.drain().await;
    let mut old = OpenOptions::new().append(true).open(follow.log()).expect("opens");
    follow.rotate();
    fs::write(follow.log(), "").expect("the new file is there, and empty");
    assert_eq!(follow.drain().await, [""; 0]);
    old.write_all(b"b\n").expect("writes");
    assert_eq!(follow.drain().await, ["b"]);
    follow.append("c\n");
    assert_eq!(follow.drain().await, ["c"]);
}

#[tokio::test]
async fn a_deleted_file_is_finished_through_its_handle() {
    let mut follow = Follow::new(true);
    follow.append("a\n");
    follow.poll().await.expect("reads");
    follow.append("b\n");
    fs::remove_file(follow.log()).expect("deletes");
    assert_eq!(follow.drain().await, ["a", "b"]);
    assert!(follow.poll().await.is_err(), "then it is missing");
    follow.append("c\n");
    assert_eq!(follow.drain().await, ["c"]);
}

#[tokio::test]
async fn a_truncated_file_is_read_from_its_start() {
    for (name, new) in [
        ("shorter", "x\n"),
        ("as long", "xxxxx\n"),
        ("longer", "xxxxxxxxxxxxxxxxx\n"),
        ("a hole", "\0\0\0\0\0\0\0\0x\n"),
    ] {
        for restarted in [false, true] {
            let mut follow = Follow::new(true);
            follow.append("a\nb\nc\n");
            follow.drain().await;
            fs::write(follow.log(), new).expect("truncates in place");
            if restarted {
                follow.restart();
            }
            assert_eq!(follow.drain().await, [new.trim_start_matches('\0').trim_end()], "{name}");
        }
    }
}

#[tokio::test]
async fn long_lines_and_other_bytes_do_no_harm() {
    let mut follow = Follow::new(true);
    follow.append(vec![b'x'; 3 * 1024 * 1024]);
    follow.append("\nafter\n");
    let records = follow.drain().await;
    assert_eq!((records.len(), records[0].len(), records[1].as_str()), (2, 64 * 1024, "after"));
    follow.append(b"caf\xe9 \xff\n");
    assert_eq!(follow.drain().await, ["caf\u{fffd} \u{fffd}"]);
}

#[tokio::test]
async fn a_poll_is_bounded() {
    let mut follow = Follow::new(true);
    follow.append("line\n".repeat(25_000));
    let mut sizes = Vec::new();
    loop {
        let batch = follow.peek().await.expect("reads");
        sizes.push(batch.records.len());
        follow.at = batch.checkpoint;
        if !batch.more {
            break;
        }
    }
    assert_eq!(sizes, [10_000, 10_000, 4_999]);
}

#[tokio::test]
async fn what_cannot_be_read_says_what_to_do() {
    let follow = Follow::new(true);
    let mut directory = source(follow.directory.path().to_owned(), true);
    let error = directory.poll(None, follow.now).await.expect_err("a directory is no log").to_string();
    assert!(error.contains("it is a directory. Name the log file itself"), "{error}");
    let pipe = follow.directory.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let error = source(pipe, true).poll(None, follow.now).await.expect_err("a pipe is no log").to_string();
    assert!(error.contains("not a regular file"), "{error}");
}

#[tokio::test]
async fn a_checkpoint_that_is_not_its_own_starts_anew() {
    let mut follow = Follow::new(true);
    follow.append("a\n");
    follow.at = Some(Checkpoint(serde_json::json!({"line": 12})));
    assert_eq!(follow.drain().await, ["a"]);
}

#[derive(Clone, Debug)]
enum Step {
    Append {
        lines: usize,
        ended: bool,
    },
    Rotate,
    /// Truncated in place, after everything was read.
    Truncate,
    Wait(u64),
    Poll,
    /// A poll whose batch cannot be stored.
    Peek,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..4_usize, any::<bool>()).prop_map(|(lines, ended)| Step::Append { lines, ended }),
        1 => Just(Step::Rotate),
        1 => Just(Step::Truncate),
        2 => prop_oneof![Just(100), Just(300), Just(600)].prop_map(Step::Wait),
        4 => Just(Step::Poll),
        2 => Just(Step::Peek),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, each byte of each line is handed out and stored once, in order. Compared
    /// without line breaks, since a line that stood half written for a while is two records.
    #[test]
    fn nothing_is_lost_or_doubled(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut follow = Follow::new(true);
            follow.append("");
            follow.poll().await.expect("the empty log is there");
            let (mut written, mut stored, mut count) = (String::new(), String::new(), 0);
            for step in steps {
                match step {
                    Step::Append { lines, ended } => {
                        let mut text = String::new();
                        for _ in 0..lines {
                            count += 1;
                            text.push_str(&format!("<{count}>\n"));
                        }
                        if !ended {
                            text.pop();
                        }
                        follow.append(&text);
                        written.push_str(&text);
                    }
                    Step::Rotate => follow.rotate(),
                    Step::Truncate => {
                        stored.push_str(&follow.drain().await.concat());
                        fs::write(follow.log(), "").expect("truncates");
                    }
                    Step::Wait(milliseconds) => follow.wait(milliseconds),
                    Step::Poll => stored.push_str(&follow.poll().await.unwrap_or_default().concat()),
                    Step::Peek => drop(follow.peek().await),
                    Step::Restart => follow.restart(),
                }
            }
            stored.push_str(&follow.drain().await.concat());
            prop_assert_eq!(stored.replace('\n', ""), written.replace('\n', ""));
            Ok(())
        })?;
    }
}
