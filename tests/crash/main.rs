//! Engines that die: killed at every commit point and in the middle of every step, and two of them on one database.
//!
//! The program is its own child: it starts itself as a real engine with real adapters, as the service that the engine
//! heals, or as one of two engines in a time lapse, and kills them for real. `cargo test --test crash kills` runs one part.

#![expect(
    clippy::disallowed_methods,
    reason = "real processes are started and killed, and a time lapse needs the time"
)]

#[cfg(target_os = "linux")]
mod engines;
#[cfg(target_os = "linux")]
mod fencing;
#[cfg(target_os = "linux")]
mod kills;
#[cfg(target_os = "linux")]
mod lapse;
#[cfg(target_os = "linux")]
mod lost;
#[cfg(target_os = "linux")]
mod single;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the crash tests need /proc: not run here");
}

#[cfg(target_os = "linux")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["engine", rest @ ..] => return single::child::main(rest),
        ["service", rest @ ..] => return single::service::main(rest),
        ["lapse", rest @ ..] => return lapse::child::main(rest),
        _ => {}
    }
    // What cargo hands to every test program: names that choose, and switches of a harness that this is not.
    if words.contains(&"--list") {
        return;
    }
    let chosen: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with("--")).collect();
    let runs = |name: &str| chosen.is_empty() || chosen.iter().any(|word| name.contains(word));
    let mut passed = 0;
    for (name, part) in [
        ("fencing", fencing::run as fn()),
        ("lost_child", lost::run),
        ("kills", kills::run),
        ("two_engines_sqlite", engines::sqlite),
        ("two_engines_postgres", engines::postgres),
    ] {
        if runs(name) {
            let started = std::time::Instant::now();
            println!("crash {name} ...");
            part();
            println!("crash {name} ... ok ({:.0}s)", started.elapsed().as_secs_f64());
            passed += 1;
        }
    }
    // As the other test programs say it, for who counts them.
    println!("\ntest result: ok. {passed} passed; 0 failed; 0 ignored");
}
