//! The supervisord actuator against a real supervisord.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use async_trait::async_trait;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use selfheal_adapters::SupervisordActuator;
use selfheal_core::{Outcome, TargetSpec, Timestamp};
use selfheal_engine::ports::{Actuator, ActuatorError};
use selfheal_tests::http::{Answer, HttpServer};
use selfheal_tests::supervisord::{Login, Program, Supervisord};
use selfheal_tests::wait::eventually;

use crate::contract::{self, Bench, RESTART, SOON, plan, preview};

struct Supervised {
    server: Supervisord,
}

impl Supervised {
    fn start() -> Self {
        let web = Program::new("web", "/bin/sh -c 'echo $$ > web.pid; exec sleep 611'");
        let broken = Program::stopped("broken", "/bin/sh -c 'exit 3'");
        let absent = Program::stopped("absent", "/no/such/program");
        let supervised = Self { server: Supervisord::start(&[web, broken, absent]) };
        eventually(SOON, "the program runs", || supervised.pid());
        supervised
    }

    fn program(&self, program: &str) -> TargetSpec {
        target(&self.server.server(), program)
    }

    fn pidfile(&self) -> PathBuf {
        self.server.directory().join("web.pid")
    }
}

fn target(server: &str, program: &str) -> TargetSpec {
    TargetSpec::Supervisord {
        server: server.to_owned(),
        program: program.to_owned(),
        username: None,
        password_env: None,
    }
}

#[async_trait]
impl Bench for Supervised {
    fn actuator(&self) -> &dyn Actuator {
        &SupervisordActuator
    }

    fn target(&self) -> TargetSpec {
        self.program("web:web")
    }

    fn missing(&self) -> TargetSpec {
        self.program("no-such-program")
    }

    fn pid(&self) -> Option<i32> {
        let pid: i32 = fs::read_to_string(self.pidfile()).ok()?.trim().parse().ok()?;
        PathBuf::from(format!("/proc/{pid}")).exists().then_some(pid)
    }

    async fn crash(&self) {
        let pid = self.pid().expect("it runs");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it may be killed");
        eventually(SOON, "supervisord saw its end", || self.pid().is_none().then_some(()));
    }
}

#[tokio::test]
async fn keeps_the_contract() {
    let supervised = Supervised::start();
    contract::holds(&supervised).await;

    let preflight = preview(&supervised, &supervised.target()).await;
    let server = supervised.server.server();
    let calls: Vec<_> = preflight.steps.iter().map(|step| step.call.clone()).collect();
    assert_eq!(
        calls,
        [
            format!("supervisor.stopProcess(\"web:web\", wait=true) at {server}"),
            format!("supervisor.startProcess(\"web:web\", wait=true) at {server}"),
        ]
    );
}

#[tokio::test]
async fn faults_tell_what_is_wrong() {
    let supervised = Supervised::start();
    for (program, state, told) in [("broken", "STOPPED", "SPAWN_ERROR"), ("absent", "STOPPED", "NO_FILE")] {
        let target = supervised.program(program);
        let preflight = preview(&supervised, &target).await;
        assert!(preflight.state_now.starts_with(state), "{}", preflight.state_now);
        let outcome = contract::run(&SupervisordActuator, &plan(&target, &preflight)).await;
        assert!(matches!(&outcome, Outcome::Failed { detail } if detail.contains(told)), "{program}: {outcome:?}");
    }
    let missing = preview(&supervised, &supervised.missing()).await;
    assert_eq!(missing.blockers.iter().map(|blocker| blocker.code.as_str()).collect::<Vec<_>>(), ["no_such_program"]);
}

#[tokio::test]
async fn a_server_that_is_not_there_was_sent_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let absent = target(&format!("unix:{}/s.sock", directory.path().display()), "web");
    let refused = SupervisordActuator.preview(&RESTART, &absent, Timestamp::EPOCH).await;
    assert!(matches!(refused, Err(ActuatorError::Unreachable { .. })), "{refused:?}");

    let supervised = Supervised::start();
    let preflight = preview(&supervised, &supervised.target()).await;
    let plan = plan(&supervised.target(), &preflight);
    drop(supervised);
    let outcome = SupervisordActuator.run_step(&plan, 0).await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_lost_after_the_call_was_sent_is_unknown() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let socket = directory.path().join("s.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || {
        for (index, connection) in listener.incoming().flatten().enumerate() {
            let mut connection = connection;
            let _ = connection.read(&mut [0; 4096]);
            if index == 1 {
                let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n<?xml");
            }
        }
    });
    let target = target(&format!("unix:{}", socket.display()), "web");
    let call = format!("supervisor.startProcess(\"web\", wait=true) at unix:{}", socket.display());
    let supervised_plan = selfheal_core::Plan {
        steps: vec![selfheal_core::Step { call, detail: "start".to_owned() }],
        ..plan(&target, &empty_preflight())
    };
    for name in ["without an answer", "inside the answer"] {
        let outcome = SupervisordActuator.run_step(&supervised_plan, 0).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn logs_in_over_tcp_with_the_password_of_the_environment() {
    // Whoever runs these tests sets this variable, so that no test has to.
    let variable = "CARGO_PKG_NAME";
    let login = Login { username: "admin", password: env!("CARGO_PKG_NAME") };
    let supervisord = Supervisord::start_with_login(&[Program::stopped("web", "sleep 612")], login);
    let with = |username: &str, password_env| TargetSpec::Supervisord {
        server: supervisord.http_server().expect("it listens on TCP"),
        program: "web".to_owned(),
        username: Some(username.to_owned()),
        password_env,
    };
    let right = with("admin", Some(variable.to_owned()));
    let preflight = SupervisordActuator.preview(&RESTART, &right, Timestamp::EPOCH).await.expect("the login is right");
    assert!(preflight.state_now.starts_with("STOPPED"), "{}", preflight.state_now);
    assert_eq!(preflight.host, "127.0.0.1");
    let outcome = contract::run(&SupervisordActuator, &plan(&right, &preflight)).await;
    assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
    for wrong in [with("nobody", Some(variable.to_owned())), with("admin", None)] {
        let refused = SupervisordActuator.preview(&RESTART, &wrong, Timestamp::EPOCH).await;
        assert!(
            matches!(&refused, Err(ActuatorError::Invalid(why)) if why.contains("refuses the login")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_login_and_a_wrong_target_are_told() {
    let server = HttpServer::start(Answer::new(401, ""));
    let invalid = |target: TargetSpec| async move {
        match SupervisordActuator.preview(&RESTART, &target, Timestamp::EPOCH).await {
            Err(ActuatorError::Invalid(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    assert!(invalid(target(&server.url(""), "web")).await.contains("refuses the login"));
    assert!(invalid(target("unix:/x", "web:*")).await.contains("no single program"));
    assert!(invalid(target("nowhere", "web")).await.contains("no address of supervisord"));
    let nonsense = HttpServer::start(Answer::new(200, "<html>"));
    let told = SupervisordActuator.preview(&RESTART, &target(&nonsense.url(""), "web"), Timestamp::EPOCH).await;
    assert!(matches!(told, Err(ActuatorError::Unreachable { .. })), "{told:?}");
}

fn empty_preflight() -> selfheal_core::Preflight {
    selfheal_core::Preflight {
        at: Timestamp::EPOCH,
        state_now: String::new(),
        host: String::new(),
        steps: Vec::new(),
        undo: selfheal_core::WayBack::Nothing,
        instances: 1,
        blockers: Vec::new(),
    }
}
