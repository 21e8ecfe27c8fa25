//! The service that is healed: it answers on a port, and is itself the witness of how often it was started.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use super::ports::{note, now};

/// `service NAME PORT HOME`. Writes `TIME started NAME PID` into the ledger; answers 500 while `NAME.sick` is there, which
/// a start clears. Ends when its home is gone.
pub fn main(arguments: &[&str]) {
    let [name, port, home] = arguments else { panic!("service NAME PORT HOME") };
    let home = Path::new(home).to_owned();
    note(&home.join("ledger"), &format!("{} started {name} {}", now(), std::process::id()));
    let sick = home.join(format!("{name}.sick"));
    let _ = std::fs::remove_file(&sick);
    let port: u16 = port.parse().expect("a port");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    std::thread::spawn(move || {
        while home.join("config.yaml").exists() {
            std::thread::sleep(Duration::from_millis(500));
        }
        std::process::exit(0);
    });
    for mut connection in listener.incoming().flatten() {
        let status = if sick.exists() { "500 sick" } else { "200 well" };
        let _ = connection.set_read_timeout(Some(Duration::from_millis(500)));
        let _ = connection.read(&mut [0; 2_048]);
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _ = connection.write_all(answer.as_bytes());
    }
}
