//! The process actuator against real processes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use selfheal_adapters::ProcessActuator;
use selfheal_core::{Outcome, TargetSpec};
use selfheal_engine::ports::{Actuator, ActuatorError};
use selfheal_tests::wait::eventually;

use crate::contract::{self, Bench, RESTART, SOON, plan, preview};

/// A program in a directory of its own. What its pidfile names is killed when dropped, if it is the test's.
struct Local {
    directory: tempfile::TempDir,
    start: Vec<String>,
    stop: Vec<String>,
    daemonizes: bool,
    stop_timeout_seconds: u64,
}

impl Local {
    fn new(start: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let start = start.iter().map(|word| (*word).to_owned()).collect();
        Self { directory, start, stop: Vec::new(), daemonizes: false, stop_timeout_seconds: 5 }
    }

    /// A program that is a script in its directory.
    fn script(lines: &str) -> Self {
        let mut local = Self::new(&[]);
        let path = local.path("run.sh");
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("the script is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it may be executed");
        local.start = vec![path.display().to_string()];
        local
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn pidfile(&self) -> PathBuf {
        self.path("web.pid")
    }

    async fn start(self) -> Self {
        let outcome = self.restart().await;
        assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
        self
    }

    async fn restart(&self) -> Outcome {
        let preflight = preview(self, &self.target()).await;
        contract::run(&ProcessActuator, &plan(&self.target(), &preflight)).await
    }

    async fn state(&self) -> String {
        preview(self, &self.target()).await.state_now
    }

    async fn blockers(&self) -> Vec<String> {
        preview(self, &self.target()).await.blockers.into_iter().map(|blocker| blocker.code).collect()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

#[async_trait]
impl Bench for Local {
    fn actuator(&self) -> &dyn Actuator {
        &ProcessActuator
    }

    fn target(&self) -> TargetSpec {
        TargetSpec::Process {
            pidfile: self.pidfile(),
            start: self.start.clone(),
            stop: self.stop.clone(),
            daemonizes: self.daemonizes,
            stop_timeout_seconds: self.stop_timeout_seconds,
            working_directory: Some(self.directory.path().to_owned()),
            output: Some(self.path("out.log")),
        }
    }

    fn missing(&self) -> TargetSpec {
        let pidfile = self.path("missing.pid");
        let start = vec!["/no/such/program".to_owned()];
        match self.target() {
            TargetSpec::Process { stop, daemonizes, stop_timeout_seconds, working_directory, output, .. } => {
                TargetSpec::Process {
                    pidfile,
                    start,
                    stop,
                    daemonizes,
                    stop_timeout_seconds,
                    working_directory,
                    output,
                }
            }
            other => other,
        }
    }

    fn pid(&self) -> Option<i32> {
        fs::read_to_string(self.pidfile()).ok()?.trim().parse().ok().filter(|pid| is_running(*pid))
    }

    async fn crash(&self) {
        let pid = self.pid().expect("it runs");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it may be killed");
        gone(pid).await;
    }
}

fn is_running(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

/// Waits until a process is not even a zombie any more, while the runtime reaps it.
async fn gone(pid: i32) {
    let path = format!("/proc/{pid}");
    let waited = tokio::task::spawn_blocking(move || {
        eventually(SOON, "the killed process was waited for", || (!Path::new(&path).exists()).then_some(()));
    });
    waited.await.expect("the wait ends");
}

#[tokio::test]
async fn keeps_the_contract() {
    contract::holds(&Local::new(&["sleep", "601"]).start().await).await;
}

#[tokio::test]
async fn keeps_the_contract_for_a_script_with_a_stop_command() {
    let mut local = Local::script("echo started; while :; do sleep 0.05; done");
    local.stop = ["/bin/sh", "-c", "kill $(cat web.pid)"].map(str::to_owned).into();
    contract::holds(&local.start().await).await;
}

#[tokio::test]
async fn keeps_the_contract_for_a_program_that_puts_itself_into_the_background() {
    let mut local = Local::script("setsid sleep 602 & echo $! > web.pid");
    local.daemonizes = true;
    contract::holds(&local.start().await).await;
}

#[tokio::test]
async fn a_process_of_another_program_is_never_signalled() {
    let mut stranger = Command::new("/bin/sleep").arg("603").spawn().expect("sleep starts");
    let pid = i32::try_from(stranger.id()).expect("a process id");
    for note in [None, Some(format!(r#"{{"pid":{pid},"start_ticks":1}}"#))] {
        // With a note the program is the same, only started at another time: its id was used again.
        let local = Local::new(&["/bin/sleep", if note.is_some() { "603" } else { "604" }]);
        fs::write(local.pidfile(), pid.to_string()).expect("writes");
        if let Some(note) = note {
            fs::write(local.path("web.pid.selfheal"), note).expect("writes");
        }
        let preflight = preview(&local, &local.target()).await;
        assert_eq!(
            preflight.state_now,
            format!("not running: process {pid} of the pidfile is another program (sleep)")
        );
        assert_eq!(preflight.steps.len(), 1, "only a start");
        let outcome = contract::run(&ProcessActuator, &plan(&local.target(), &preflight)).await;
        assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
        assert_ne!(local.pid(), Some(pid), "the pidfile names the new process");
        assert!(is_running(pid), "the stranger lives");
        local.crash().await;

        // Even when a plan made before says stop.
        fs::write(local.pidfile(), pid.to_string()).expect("writes");
        fs::write(local.path("web.pid.selfheal"), r#"{"pid":1,"start_ticks":1}"#).expect("writes");
        if local.start[1] == "604" {
            let mut old = plan(&local.target(), &preflight);
            let call = format!("SIGTERM to the process in {}, SIGKILL after 5s", local.pidfile().display());
            old.steps.insert(0, selfheal_core::Step { call, detail: "stop".to_owned() });
            let outcome = ProcessActuator.run_step(&old, 0).await;
            assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
        }
        assert!(is_running(pid), "the stranger lives");
        fs::remove_file(local.pidfile()).expect("the test's own stranger is ended by the test");
    }
    stranger.kill().expect("it is ours");
    stranger.wait().expect("it is waited for");
}

#[tokio::test]
async fn a_program_that_ends_at_once_has_failed_with_its_last_words() {
    let local = Local::script("echo earlier; echo 'port 80 is taken' >&2; exit 3");
    fs::write(local.path("out.log"), "words of an earlier start\n").expect("writes");
    let outcome = local.restart().await;
    let detail = outcome.detail().to_owned();
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    assert!(detail.contains("exit status: 3") && detail.contains("port 80 is taken"), "{detail}");
    assert!(!detail.contains("earlier start"), "{detail}");
    assert!(!local.pidfile().exists(), "it leaves no pidfile behind");
}

#[tokio::test]
async fn a_program_that_ignores_sigterm_is_killed_after_its_time() {
    let mut local = Local::script("trap '' TERM; while :; do sleep 0.05; done");
    local.stop_timeout_seconds = 1;
    let local = local.start().await;
    let pid = local.pid().expect("it runs");
    let plan = plan(&local.target(), &preview(&local, &local.target()).await);
    let started = Instant::now();
    let outcome = ProcessActuator.run_step(&plan, 0).await;
    assert!(matches!(&outcome, Outcome::Succeeded { detail } if detail.contains("was killed")), "{outcome:?}");
    assert!(started.elapsed() >= Duration::from_secs(1), "it is given its time: {:?}", started.elapsed());
    assert!(!is_running(pid));
}

#[tokio::test]
async fn a_stop_command_that_fails_leaves_the_program_alone() {
    let mut local = Local::new(&["sleep", "605"]);
    local.stop = ["/bin/sh", "-c", "echo not now; exit 4"].map(str::to_owned).into();
    let local = local.start().await;
    let pid = local.pid();
    let outcome = local.restart().await;
    assert!(matches!(&outcome, Outcome::Failed { detail } if detail.contains("not now")), "{outcome:?}");
    assert_eq!(local.pid(), pid);
}

#[tokio::test]
async fn a_killed_program_does_not_look_alive() {
    let local = Local::new(&["sleep", "606"]).start().await;
    let pid = local.pid().expect("it runs");
    assert_eq!(local.state().await, format!("running (pid {pid})"));
    local.crash().await;
    assert_eq!(local.state().await, format!("not running: process {pid} is gone"));
    fs::remove_file(local.pidfile()).expect("it was left behind");
    assert_eq!(local.state().await, "not running: no pidfile");
}

#[tokio::test]
async fn a_started_program_has_a_clean_environment_and_no_input() {
    let local = Local::script("env > env.txt; cat; exec sleep 607").start().await;
    eventually(SOON, "the environment was written", || {
        fs::metadata(local.path("env.txt")).ok().filter(|file| file.len() > 0)
    });
    let names = fs::read_to_string(local.path("env.txt")).expect("it was written");
    assert!(!names.contains("CARGO"), "{names}");
}

#[tokio::test]
async fn what_stands_in_the_way_is_told() {
    let plain = || Local::new(&["sleep", "608"]);
    assert_eq!(plain().blockers().await, [""; 0]);

    let missing = Local::new(&["./no-such-program"]);
    assert_eq!(missing.blockers().await, ["program_missing"]);
    let data = Local::new(&["./data"]);
    fs::write(data.path("data"), "").expect("writes");
    assert_eq!(data.blockers().await, ["program_not_executable"]);
    let garbage = plain();
    fs::write(garbage.pidfile(), "soon\n").expect("writes");
    assert_eq!(garbage.blockers().await, ["pidfile_garbage"]);
    let unreadable = plain();
    fs::create_dir(unreadable.pidfile()).expect("a directory in its place");
    assert_eq!(unreadable.blockers().await, ["pidfile_unreadable"]);

    let local = plain();
    let target = TargetSpec::Process {
        pidfile: local.path("no/web.pid"),
        start: local.start.clone(),
        stop: Vec::new(),
        daemonizes: false,
        stop_timeout_seconds: 1,
        working_directory: Some(local.path("nowhere")),
        output: Some(local.path("no/out.log")),
    };
    let codes: Vec<_> = preview(&local, &target).await.blockers.into_iter().map(|blocker| blocker.code).collect();
    assert_eq!(codes, ["working_directory_missing", "pidfile_directory_missing", "output_directory_missing"]);

    let empty = Local::new(&[]);
    let refused = ProcessActuator.preview(&RESTART, &empty.target(), selfheal_core::Timestamp::EPOCH).await;
    assert!(matches!(refused, Err(ActuatorError::Invalid(_))));
}

/// What a kill between the start of a program and the note of its process leaves behind: the note that a start began, and
/// a program that carries its mark. `lost_child` of `tests/crash` kills an engine there for real.
fn forget_process(local: &Local, pid: i32) {
    let environment = fs::read(format!("/proc/{pid}/environ")).expect("it is ours");
    let environment = String::from_utf8(environment).expect("UTF-8");
    let mark = environment.split('\0').find_map(|word| word.strip_prefix("SELFHEAL_START=")).expect("it has a mark");
    let session = nix::unistd::getsid(None).expect("the test's own");
    let note = format!(r#"{{"mark":"{mark}","session":{session},"since_ticks":1}}"#);
    fs::write(local.path("web.pid.selfheal"), note).expect("writes");
    fs::remove_file(local.pidfile()).expect("it was there");
}

#[tokio::test]
async fn a_child_that_is_on_no_record_is_found_and_hung_or_not_restarted() {
    let plain = || Local::new(&["sleep", "611"]);
    // What it starts carries the mark too, in groups of their own.
    let with_children = || Local::script("set -m; sleep 612 & sleep 613 & exec sleep 614");
    let stopped_by_pidfile = || {
        let mut local = plain();
        local.stop = ["/bin/sh", "-c", "kill -9 $(cat web.pid)"].map(str::to_owned).into();
        local
    };
    let in_background = || {
        let mut local = Local::script("setsid sleep 615 & sleep 0.1; echo $! > web.pid");
        local.daemonizes = true;
        local
    };
    for (name, local) in [
        ("plain", plain()),
        ("with children", with_children()),
        ("with a stop command", stopped_by_pidfile()),
        ("in the background", in_background()),
    ] {
        let local = local.start().await;
        let lost = local.pid().expect("it runs");
        forget_process(&local, lost);
        kill(Pid::from_raw(lost), Signal::SIGSTOP).expect("it hangs");
        assert_eq!(local.state().await, format!("running (pid {lost})"), "{name}");
        let mut local = local;
        local.stop_timeout_seconds = 1;
        let outcome = local.restart().await;
        assert!(matches!(outcome, Outcome::Succeeded { .. }), "{name}: {outcome:?}");
        assert!(!is_running(lost), "{name}: the one that hung is gone");
        let new = local.pid().expect("it runs again");
        assert_ne!(new, lost, "{name}");
        // The same where only the pidfile went.
        fs::remove_file(local.pidfile()).expect("it was there");
        assert_eq!(local.state().await, format!("running (pid {new})"), "{name}");
        kill(Pid::from_raw(new), Signal::SIGKILL).expect("it may be killed");
        for child in descendants_of(&local) {
            let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
        }
    }
}

/// What the scripts above started and nobody waits for: known by the folder that they run in.
fn descendants_of(local: &Local) -> Vec<i32> {
    let here = local.directory.path();
    let entries = fs::read_dir("/proc").expect("lists").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == here)).collect()
}

#[tokio::test]
async fn a_note_of_somebody_else_names_nothing_that_is_signalled() {
    let mut stranger = Command::new("/bin/sleep").arg("616").spawn().expect("sleep starts");
    let pid = i32::try_from(stranger.id()).expect("a process id");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let ticks = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19)).expect("a start time");
    let local = Local::new(&["sleep", "617"]);
    let note = local.path("web.pid.selfheal");
    fs::write(&note, format!(r#"{{"pid":{pid},"start_ticks":{ticks}}}"#)).expect("writes");
    // Whoever may write the folder makes such a note; only a link and the mode tell it from ours here.
    fs::set_permissions(&note, fs::Permissions::from_mode(0o666)).expect("set");
    fs::write(local.pidfile(), pid.to_string()).expect("writes");
    assert!(local.state().await.contains("is another program"), "{}", local.state().await);
    fs::rename(&note, local.path("elsewhere")).expect("moved");
    fs::set_permissions(local.path("elsewhere"), fs::Permissions::from_mode(0o600)).expect("set");
    std::os::unix::fs::symlink(local.path("elsewhere"), &note).expect("a link");
    assert!(local.state().await.contains("is another program"), "{}", local.state().await);
    fs::remove_file(local.pidfile()).expect("it was there");
    stranger.kill().expect("it is ours");
    stranger.wait().expect("it is waited for");
}

#[tokio::test]
async fn pipes_devices_and_links_are_told_and_never_waited_for() {
    use nix::sys::stat::Mode;
    let pipe = |path: &Path| nix::unistd::mkfifo(path, Mode::S_IRWXU).expect("a pipe");
    let link_to_of_another = |local: &Local, name: &str| {
        fs::write(local.path("of-another"), "1234567\n").expect("writes");
        std::os::unix::fs::symlink(local.path("of-another"), local.path(name)).expect("a link");
    };
    let piped = Local::new(&["sleep", "618"]);
    pipe(&piped.pidfile());
    let linked = Local::new(&["sleep", "618"]);
    link_to_of_another(&linked, "web.pid");
    let piped_output = Local::new(&["sleep", "618"]);
    pipe(&piped_output.path("out.log"));
    let linked_output = Local::new(&["sleep", "618"]);
    link_to_of_another(&linked_output, "out.log");
    for (local, expected) in [
        (&piped, "pidfile_unreadable"),
        (&linked, "pidfile_unreadable"),
        (&piped_output, "output_unusable"),
        (&linked_output, "output_unusable"),
    ] {
        let preflight = preview(local, &local.target()).await;
        let told: Vec<_> = preflight.blockers.iter().map(|blocker| blocker.code.as_str()).collect();
        assert_eq!(told, [expected]);
        assert!(!preflight.blockers[0].text.contains("1234567"), "what is behind a link is not shown");
    }
    for local in [&piped_output, &linked_output] {
        let outcome = local.restart().await;
        assert!(matches!(&outcome, Outcome::Failed { detail } if detail.contains("out.log")), "{outcome:?}");
    }
    // A pipe in the place of the note says nothing, and is replaced as everything there is.
    let noted = Local::new(&["sleep", "619"]);
    pipe(&noted.path("web.pid.selfheal"));
    link_to_of_another(&noted, "web.pid.selfheal-new");
    let noted = noted.start().await;
    // The test itself reads pidfiles, and would wait.
    fs::remove_file(piped.pidfile()).expect("it was there");
    for local in [&linked, &linked_output, &noted] {
        let of_another = fs::read_to_string(local.path("of-another")).expect("there");
        assert_eq!(of_another, "1234567\n", "nothing was written through the link");
    }
}
