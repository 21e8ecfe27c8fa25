//! Who gets in, and what others can do from outside: the binary with real sockets, few file descriptors and a careless umask.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use selfheal_tests::wait::eventually;

use crate::patient::Patient;
use crate::support::{Place, ran};

const SOON: Duration = Duration::from_secs(60);
/// The limit under which everything was seen to stop.
const DESCRIPTORS: u32 = 128;

/// What a server answers on a connection, until it closes it.
fn ask(mut stream: impl Read + Write, head: &str) -> String {
    // Whoever is refused at the door may find it closed already.
    let _ = write!(stream, "{head}Connection: close\r\n\r\n");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn host(url: &str) -> &str {
    url.trim_start_matches("http://")
}

#[test]
fn half_open_connections_stop_neither_the_healing_nor_the_command_line_nor_the_window() {
    let patient = Patient::new(None);
    let engine = patient.serve_within(DESCRIPTORS);
    let address = host(&engine.url).to_owned();
    // None of them says who it is, and none says all that it wants.
    let half_open: Vec<TcpStream> = (0..200)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(&address).ok()?;
            write!(stream, "GET /api/v1/overview HTTP/1.1\r\nHost: {address}\r\nX-Slow: ").ok()?;
            Some(stream)
        })
        .collect();
    assert!(half_open.len() > usize::try_from(DESCRIPTORS).expect("fits"), "{} were taken", half_open.len());
    // The command line, through the engine's own socket.
    eventually(SOON, "the engine's socket answers", || {
        let socket = UnixStream::connect(patient.data().join("engine.sock")).ok()?;
        socket.set_read_timeout(Some(SOON)).ok()?;
        ask(socket, "GET /api/v1/overview HTTP/1.1\r\nHost: localhost\r\n").starts_with("HTTP/1.1 200").then_some(())
    });
    // The window, for somebody who says who they are.
    eventually(SOON, "a known person gets in", || {
        let stream = TcpStream::connect(&address).ok()?;
        stream.set_read_timeout(Some(SOON)).ok()?;
        let head =
            format!("GET /api/v1/overview HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n", engine.token);
        ask(stream, &head).starts_with("HTTP/1.1 200").then_some(())
    });
    patient.fails();
    patient.is_healed();
    drop(half_open);
    engine.stop();
}

#[test]
fn a_half_open_connection_is_closed_after_a_while() {
    let patient = Patient::new(None);
    let engine = patient.serve();
    let mut idle = TcpStream::connect(host(&engine.url)).expect("connects");
    let mut slow = TcpStream::connect(host(&engine.url)).expect("connects");
    write!(slow, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").expect("written");
    for (what, stream) in [("says nothing", &mut idle), ("does not end its head", &mut slow)] {
        stream.set_read_timeout(Some(SOON)).expect("set");
        let mut said = Vec::new();
        let ended = stream.read_to_end(&mut said);
        assert!(ended.is_ok(), "one that {what} is still open: {ended:?}");
    }
    engine.stop();
}

#[test]
fn what_is_no_terminal_is_shown_no_token_and_a_bookmark_outlives_a_restart() {
    let place = Place::new();
    let kept = place.path().join("data/serve.token");
    let serve = || {
        let mut child = place.command().args(["serve", "--listen", "127.0.0.1:0"]).spawn().expect("the binary runs");
        let mut first = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut first).expect("read");
        let url = first.trim().trim_start_matches("Selfheal is at ").trim_end_matches('/').to_owned();
        (child, out, first, url)
    };
    let stop = |mut child: std::process::Child, mut out: BufReader<std::process::ChildStdout>, first: String| {
        let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        let (mut said, mut err) = (first, String::new());
        out.read_to_string(&mut said).expect("read");
        child.stderr.take().expect("piped").read_to_string(&mut err).expect("read");
        assert!(child.wait().expect("it ends").success());
        said + &err
    };
    let status = |url: &str, token: &str| {
        let address = host(url);
        let stream = TcpStream::connect(address).expect("connects");
        let head = format!("GET /api/v1/overview HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n");
        ask(stream, &head).split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let (child, out, first, url) = serve();
        let token = std::fs::read_to_string(&kept).expect("kept").trim().to_owned();
        assert_eq!(std::fs::metadata(&kept).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(status(&url, &token), "200");
        let said = stop(child, out, first);
        assert!(!said.contains(&token), "a journal keeps it: {said}");
        assert!(said.contains(&kept.display().to_string()), "where it is kept is said: {said}");
        tokens.push(token);
    }
    assert_eq!(tokens[0], tokens[1], "a bookmark outlives a restart");
    // Taken back: at once, also with the engine running.
    let (child, out, first, url) = serve();
    let listed = place.json(&["token", "list"]);
    assert_eq!((&listed["tokens"][0]["name"], &listed["tokens"][0]["role"]), (&"serve".into(), &"admin".into()));
    place.ok(&["token", "remove", "serve"]);
    assert_eq!(status(&url, &tokens[0]), "401");
    stop(child, out, first);
    let (child, out, first, url) = serve();
    assert_eq!(status(&url, &tokens[0]), "401", "and it does not come back");
    stop(child, out, first);
}

#[test]
fn a_token_names_its_person_and_its_end() {
    let place = Place::new();
    place.ok(&["token", "add", "ci", "--role", "viewer", "--expires", "never"]);
    place.ok(&["token", "add", "ada-phone", "--role", "approver", "--person", "ada", "--expires", "30d"]);
    place.ok(&["token", "add", "bob"]);
    let listed = place.json(&["token", "list"]);
    let of = |name: &str| {
        let tokens = listed["tokens"].as_array().expect("tokens");
        let token = tokens.iter().find(|token| token["name"] == name).expect("listed");
        (token["person"].as_str().map(str::to_owned), token["expires_at"].is_string())
    };
    assert_eq!(of("ci"), (Some("ci".into()), false));
    assert_eq!(of("ada-phone"), (Some("ada".into()), true));
    assert_eq!(of("bob"), (Some("bob".into()), true), "without a word a token ends");
    let shown = place.ok(&["token", "list"]);
    assert!(shown.contains("ada-phone") && shown.contains("never"), "{shown}");
    for (name, option, value) in [
        ("x", "--expires", "soon"),
        ("x", "--expires", "0d"),
        ("x", "--expires", "99999d"),
        ("x", "--person", "a b"),
        ("x", "--person", "\u{0430}da"),
        ("serve", "--expires", "1d"),
    ] {
        let refused = place.run(&["token", "add", name, option, value]);
        assert_eq!(refused.code, 1, "{option} {value}: {refused:?}");
    }
}

/// Everything below a folder that others than its owner may touch in any way.
fn open_to_others(root: &Path) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("read").map(|entry| entry.expect("an entry")) {
            // A file of SQLite's may be gone again.
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                folders.push(entry.path());
            }
            let is_made = !about.is_dir() && !about.is_symlink() || about.file_type().is_socket();
            if is_made && about.permissions().mode() & 0o077 != 0 {
                found.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn everything_in_a_home_is_private_whatever_the_umask_and_whoever_made_the_folder() {
    let place = Place::empty();
    let root = place.path().to_owned();
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).expect("set");
    for folder in ["data", "args", "args/knowledge"] {
        std::fs::create_dir(root.join(folder)).expect("made");
        std::fs::set_permissions(root.join(folder), std::fs::Permissions::from_mode(0o777)).expect("set");
    }
    let careless = |arguments: &[&str]| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "umask 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_selfheal")]).args(arguments);
        command.env_remove("SELFHEAL_SERVER").env_remove("SELFHEAL_DATABASE").env("SELFHEAL_HOME", &root);
        command.current_dir(&root).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let ok = |arguments: &[&str]| {
        let ran = ran(careless(arguments).output().expect("the binary runs"));
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    };
    ok(&["init"]);
    let mut engine = careless(&["serve", "--listen", "127.0.0.1:0"]).spawn().expect("the binary runs");
    let mut line = String::new();
    BufReader::new(engine.stdout.take().expect("piped")).read_line(&mut line).expect("read");
    std::fs::write(root.join("given.log"), "ERROR nobody has seen this before\n").expect("written");
    ok(&["ingest", "given.log", "--service", "pay"]);
    ok(&["backup", "made.backup"]);
    ok(&["audit", "export", "trail.jsonl"]);
    ok(&["knowledge", "export", "--out", "pack.yaml"]);
    ok(&["pause"]);
    let made = [
        "data/icdev.db",
        "data/icdev.db-wal",
        "data/icdev.db-shm",
        "data/engine.sock",
        "data/engine.lock",
        "data/audit.key",
        "data/serve.token",
        "args/monitoring_config.yaml",
        "made.backup",
        "trail.jsonl",
        "pack.yaml",
    ];
    for file in made {
        eventually(SOON, file, || root.join(file).exists().then_some(()));
    }
    std::fs::remove_file(root.join("given.log")).expect("removed");
    assert_eq!(open_to_others(&root), Vec::<PathBuf>::new());
    let _ = Command::new("kill").args(["-TERM", &engine.id().to_string()]).status();
    assert!(engine.wait().expect("it ends").success());
    // What is open to others is said, with how to mend it.
    std::fs::set_permissions(root.join("data/icdev.db"), std::fs::Permissions::from_mode(0o644)).expect("set");
    let told = ran(careless(&["doctor"]).output().expect("the binary runs")).out;
    assert!(told.contains("data/icdev.db") && told.contains("chmod -R go-rwx"), "{told}");
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o700)).expect("set");
}
