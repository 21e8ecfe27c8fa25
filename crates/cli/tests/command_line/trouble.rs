//! The database fails: nothing is started, it is told, nothing that was acknowledged is lost, and it goes on by itself.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use selfheal_tests::postgres::Postgres;
use selfheal_tests::wait::{PATIENCE, eventually};

use crate::patient::{Patient, Running};

/// A small disk of its own, taken away when dropped.
struct Disk(PathBuf);

impl Disk {
    /// In the place of a folder, with what is in it and room for so many KiB more. `None` for those who may not mount.
    fn over(folder: &Path, room: usize) -> Option<Self> {
        if !nix_is_root() {
            eprintln!("skipped: only root may mount a disk");
            return None;
        }
        let kept: Vec<(PathBuf, Vec<u8>, std::fs::Permissions)> = std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_file())
            .map(|path| {
                (path.clone(), std::fs::read(&path).expect("read"), path.metadata().expect("looked at").permissions())
            })
            .collect();
        let size = kept.iter().map(|(_, bytes, _)| bytes.len().div_ceil(1024)).sum::<usize>() + room;
        mount(&["-t", "tmpfs", "-o", &format!("size={size}k,mode=0700"), "none"], folder);
        let disk = Self(folder.to_owned());
        for (path, bytes, mode) in kept {
            std::fs::write(&path, bytes).expect("written");
            // A key that others may read is not used.
            std::fs::set_permissions(&path, mode).expect("set");
        }
        Some(disk)
    }

    /// A file that can be read, and that no other takes the place of.
    fn pinned(file: &Path) -> Option<Self> {
        nix_is_root().then(|| {
            mount(&["--bind", file.to_str().expect("UTF-8")], file);
            Self(file.to_owned())
        })
    }

    fn remount(&self, how: &str) {
        mount(&["-o", &format!("remount,{how}")], &self.0);
    }

    /// Leaves not a byte.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).expect("made");
        let mut size = 64 * 1024;
        while size > 0 {
            if file.write_all(&vec![7; size]).is_err() {
                size /= 2;
            }
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], folder: &Path) {
    let status = Command::new("mount").args(arguments).arg(folder).status().expect("mount runs");
    assert!(status.success(), "mount {arguments:?}");
}

fn nix_is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// Sends unknown failures until one is refused. What was acknowledged, and what the refusal said.
fn ingest_until_refused(patient: &Patient, engine: &Running) -> (Vec<String>, String) {
    let mut acknowledged = Vec::new();
    for number in 0..60 {
        let name: String = format!("{number:02}").bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
        let text = format!("unheard-{name}-of {}", "filling ".repeat(400));
        let ran = patient.over_http(engine, &["ingest", "-", "--service", "odd"], &format!("ERROR {text}\n"));
        if ran.code != 0 {
            return (acknowledged, ran.err);
        }
        acknowledged.push(format!("unheard-{name}-of"));
    }
    panic!("nothing was refused");
}

#[test]
fn a_full_disk() {
    let patient = Patient::new(None);
    let Some(disk) = Disk::over(&patient.data(), 1_200) else { return };
    let engine = patient.serve();
    let filler = disk.fill();
    let (acknowledged, refusal) = ingest_until_refused(&patient, &engine);
    assert!(refusal.contains("database_unavailable") && refusal.contains("send it again later"), "{refusal}");
    assert!(refusal.contains("full"), "{refusal}");
    patient.fails();
    patient.is_not_touched();
    patient.doctor_says("full");
    std::fs::remove_file(filler).expect("removed");
    // The disk is too small for both the story and its log: that is not what this is about.
    disk.remount("size=64m");
    patient.is_healed();
    patient.holds(&acknowledged);
    engine.stop();
}

#[test]
fn a_folder_that_may_not_be_written_to() {
    let patient = Patient::new(None);
    let Some(disk) = Disk::over(&patient.data(), 16 * 1024) else { return };
    patient.fails();
    disk.remount("ro");
    for arguments in [&["run"][..], &["serve", "--listen", "127.0.0.1:0"], &["pause"]] {
        let ran = patient.run(arguments);
        assert_eq!(ran.code, 1, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains("may be written to"), "{arguments:?}: {ran:?}");
    }
    patient.doctor_says("may be written to");
    patient.is_not_touched();
    disk.remount("rw");
    let engine = patient.serve();
    patient.is_healed();
    engine.stop();
}

#[test]
fn a_database_that_another_process_locks_for_longer_than_anybody_waits() {
    let patient = Patient::new(None);
    let engine = patient.serve();
    let mut other = Command::new("sqlite3")
        .arg(patient.data().join("icdev.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sqlite3 is installed: run `npm run setup -- --test`");
    let mut input = other.stdin.take().expect("piped");
    writeln!(input, "pragma busy_timeout = 5000; begin immediate; select 'locked';").expect("written");
    let mut said = std::io::BufReader::new(other.stdout.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("locked") {
        assert!(std::io::BufRead::read_line(&mut said, &mut line).expect("read") > 0, "sqlite3 ended: {line}");
    }
    patient.fails();
    // Longer than the busy timeout of ten seconds: it is refused, and says so.
    let ran = patient.over_http(&engine, &["ingest", "-", "--service", "odd"], "ERROR while locked\n");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("locked") && ran.err.contains("database_unavailable"), "{ran:?}");
    assert_eq!(patient.starts(), 0);
    patient.doctor_says("locked");
    writeln!(input, "rollback;").expect("written");
    patient.is_healed();
    drop(input);
    other.wait().expect("it ends");
    let shown = patient.run(&["incidents", "list", "--search", "locked", "--json"]).out;
    assert!(!shown.contains("While locked"), "what was refused is not there by half: {shown}");
    engine.stop();
}

/// Overwrites everything between the first two pages and the last, in place. Returns what stood there.
fn damage(database: &Path) -> Vec<u8> {
    let file = std::fs::File::options().read(true).write(true).open(database).expect("opens");
    let length = file.metadata().expect("a size").len() - 3 * 4096;
    let mut before = vec![0; length as usize];
    file.read_exact_at(&mut before, 2 * 4096).expect("read");
    file.write_all_at(&vec![0xa5; length as usize], 2 * 4096).expect("written");
    file.sync_all().expect("on the disk");
    before
}

fn mend(database: &Path, before: &[u8]) {
    let file = std::fs::File::options().write(true).open(database).expect("opens");
    file.write_all_at(before, 2 * 4096).expect("written");
}

#[test]
fn a_file_that_was_damaged_before_the_start() {
    let patient = Patient::new(None);
    let database = patient.data().join("icdev.db");
    patient.fails();
    let before = damage(&database);
    // Perhaps it cannot even be opened; perhaps it can, and then nothing is started.
    let mut engine = patient.command().arg("run").stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("runs");
    patient.is_not_touched();
    let ran = patient.run(&["doctor"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("malformed") || ran.out.contains("damaged"), "{ran:?}");
    assert!(ran.out.contains("backup"), "it says what to do: {ran:?}");
    let _ = engine.kill();
    let output = engine.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("malformed") || said.contains("damaged"), "{said}");
    mend(&database, &before);
    let engine = patient.serve();
    patient.is_healed();
    engine.stop();
}

#[test]
fn a_file_that_is_damaged_while_the_engine_runs() {
    let patient = Patient::new(None);
    let database = patient.data().join("icdev.db");
    let engine = patient.serve();
    let before = damage(&database);
    patient.fails();
    patient.is_not_touched();
    patient.doctor_says("damaged");
    mend(&database, &before);
    patient.is_healed();
    engine.stop();
}

#[test]
fn a_server_that_is_stopped_and_started_again() {
    let server = Postgres::own();
    let patient = Patient::new(Some(server.database()));
    let engine = patient.serve();
    let first = patient.over_http(&engine, &["ingest", "-", "--service", "odd"], "ERROR before the outage\n");
    assert_eq!(first.code, 0, "{first:?}");
    server.stop();
    patient.fails();
    let ran = patient.over_http(&engine, &["ingest", "-", "--service", "odd"], "ERROR during the outage\n");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("database_unavailable"), "{ran:?}");
    patient.is_not_touched();
    let doctor = patient.over_http(&engine, &["doctor"], "");
    assert_eq!(doctor.code, 3, "{doctor:?}");
    assert!(doctor.out.contains("BAD  database"), "{doctor:?}");
    server.start_again();
    patient.is_healed();
    patient.holds(&["before the outage".to_owned()]);
    engine.stop();
}

#[test]
fn a_mark_that_cannot_be_written() {
    let patient = Patient::new(None);
    let engine = patient.serve();
    let mark = patient.data().join("high_water.json");
    eventually(PATIENCE, "the mark is there", || mark.exists().then_some(()));
    let Some(pinned) = Disk::pinned(&mark) else { return engine.stop() };
    patient.fails();
    patient.is_not_touched();
    patient.doctor_says("high-water mark cannot be written");
    drop(pinned);
    patient.is_healed();
    engine.stop();
}

/// Runs a statement as another program would.
fn sqlite3(database: &Path, statement: &str) -> String {
    let output = Command::new("sqlite3")
        .arg(database)
        .arg(statement)
        .output()
        .expect("sqlite3 is installed: run `npm run setup -- --test`");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

#[test]
fn a_damaged_page_that_nobody_reads() {
    let patient = Patient::new(None);
    let database = patient.data().join("icdev.db");
    let engine = patient.serve();
    // A table that healing does not look at: only a look at the whole file finds it.
    let page: u64 =
        sqlite3(&database, "select rootpage from sqlite_master where name = 'changes'").parse().expect("a page");
    sqlite3(&database, "pragma wal_checkpoint(truncate)");
    let file = std::fs::File::options().read(true).write(true).open(&database).expect("opens");
    let (place, mut before) = ((page - 1) * 4096, vec![0; 4096]);
    file.read_exact_at(&mut before, place).expect("read");
    file.write_all_at(&[0xa5; 4096], place).expect("written");
    patient.fails();
    patient.is_not_touched();
    patient.doctor_says("damaged");
    file.write_all_at(&before, place).expect("written");
    patient.is_healed();
    engine.stop();
}
