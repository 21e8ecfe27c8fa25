//! `selfheal notify`: what happened is told exactly, and nothing that lets one in.

use selfheal_tests::receiver::{Receiver, Reply};
use selfheal_tests::smtp::{Smtp, SmtpServer};
use serde_json::{Value, json};

use crate::support::{Place, Ran};

fn run(place: &Place, url: &str, arguments: &[&str]) -> Ran {
    let mut command = place.command();
    command.env("TEST_CHAT", url).args(arguments);
    crate::support::ran(command.output().expect("the binary runs"))
}

#[test]
fn notifiers_are_listed_tested_and_examined() {
    let (chat, mail) = (Receiver::start(), SmtpServer::start(&Smtp { security: "none", ..Smtp::default() }));
    let place = Place::new();
    let config = format!(
        "notifications:\n  notifiers:\n    - {{ name: chat, slack: {{ url_env: TEST_CHAT }}, min_severity: high }}\n    \
         - {{ name: mail, email: {{ host: localhost, port: {}, security: none, from: a@example.org, to: [b@example.org] }} }}\n",
        mail.port()
    );
    std::fs::write(place.config(), config).expect("written");
    let url = chat.url("/services/T0SECRET/s3cr3t-path");

    let ran = run(&place, &url, &["notify", "test"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("ok   chat: HTTP 200 in "), "{}", ran.out);
    assert!(ran.out.contains("ok   mail: 250 2.0.0 OK: queued as 42 in "), "{}", ran.out);
    let sent: Value = serde_json::from_slice(&chat.received()[0].body).expect("JSON");
    assert!(sent["text"].as_str().is_some_and(|text| text.contains("Test notice of Selfheal")), "{sent}");
    assert_eq!(mail.mails()[0]["headers"]["Subject"], "[info] Test notice of Selfheal");

    chat.reply([Reply::new(404, "no_service /services/T0SECRET/s3cr3t-path")]);
    let ran = run(&place, &url, &["notify", "test", "chat", "--json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let tests: Value = serde_json::from_str(&ran.out).expect("JSON");
    let test = &tests["tests"][0];
    assert_eq!((&test["name"], &test["ok"]), (&json!("chat"), &json!(false)));
    assert_eq!(test["what"], "HTTP 404: no_service /[secret]/[secret]/[secret]");
    assert!(test["milliseconds"].is_u64() && test["next"].as_str().is_some_and(|next| !next.is_empty()));
    assert_eq!((chat.received().len(), mail.mails().len()), (2, 1), "only the one that was named");

    let ran = run(&place, &url, &["notify", "list", "--json"]);
    let list: Value = serde_json::from_str(&ran.out).expect("JSON");
    let kinds: Vec<&Value> = list["notifiers"].as_array().expect("a list").iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["log", "slack", "email"]);
    assert_eq!(list["notifiers"][1]["min_severity"], "high");
    assert!(!ran.out.contains("T0SECRET") && ran.out.contains("$TEST_CHAT"), "{}", ran.out);

    // Without its secret: nothing is sent, and everybody says what to do.
    for (arguments, code) in [(["notify", "test"], 3), (["notify", "list"], 0)] {
        let ran = place.run(&arguments);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.out.contains("TEST_CHAT"), "{ran:?}");
    }
    let asked = chat.received().len();
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code, 3, "{doctor:?}");
    assert!(
        doctor.out.contains("BAD  notifier chat: the environment variable `TEST_CHAT` is not set"),
        "{}",
        doctor.out
    );
    assert_eq!(doctor.out.matches("notifier chat").count(), 1, "told once: {}", doctor.out);
    assert!(doctor.out.contains("Set it where the engine is started"), "{}", doctor.out);
    assert!(doctor.out.contains("ok   notifier mail: email to b@example.org by localhost"), "{}", doctor.out);
    assert_eq!((chat.received().len(), mail.mails().len()), (asked, 2), "doctor sends nothing");

    let ran = place.run(&["notify", "test", "nobody"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("there is no notifier `nobody`"), "{ran:?}");
}

#[test]
fn doctor_warns_of_mail_in_the_clear_and_of_unsigned_notices() {
    let place = Place::new();
    let config = "notifications:\n  notifiers:\n    - { name: mail, email: { host: mail.invalid, security: none, from: a@x.org, to: [b@x.org] } }\n    \
                  - { name: hook, webhook: { url: \"https://hook.invalid/a\" } }\n";
    std::fs::write(place.config(), config).expect("written");
    let doctor = place.run(&["doctor"]);
    assert!(doctor.out.contains("WARN notifier mail: ") && doctor.out.contains("unencrypted"), "{}", doctor.out);
    assert!(doctor.out.contains("WARN notifier hook: ") && doctor.out.contains("not signed"), "{}", doctor.out);
}
