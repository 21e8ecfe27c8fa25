//! The case file, to the letter: of an incident whose every text was written by somebody hostile.

use pulldown_cmark::{Event, Options, Parser, Tag};
use regex::Regex;
use selfheal_api::Principal;
use selfheal_api::view::IncidentView;
use serde_json::json;

use super::Place;

/// Markup of every kind, an end of a fence, a table's bar, a link, and characters that turn text around.
const HOSTILE: &str =
    "ERROR pool exhausted </pre><script>alert('x')</script> ``` | [a](javascript:x) https://evil.example \u{202e}txt";

async fn case(place: &Place, format: &str) -> String {
    let mut bytes = Vec::new();
    let path = format!("/api/v1/incidents/1/case?format={format}");
    let taken = place.client.download("GET", &path, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    });
    taken.await.expect("written");
    String::from_utf8(bytes).expect("text")
}

/// Without what differs from run to run.
fn normalised(text: &str, place: &Place) -> String {
    let mut text = text
        .replace(&place.folder.path().display().to_string(), "HOME")
        .replace(&selfheal_adapters::hostname(), "HOST")
        .replace(&format!("by {} from", Principal::local().name), "by WHO from")
        .replace(&format!("| {} |", Principal::local().name), "| WHO |")
        .replace(&format!("<td>{}</td>", Principal::local().name), "<td>WHO</td>")
        .replace(&format!("{}, 2", Principal::local().name), "WHO, 2");
    for (what, with) in
        [(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"), (r"\b[0-9a-f]{64}\b", "HASH"), ("\\d+\\.\\d\u{a0}s", "SECONDS")]
    {
        text = Regex::new(what).expect("a pattern").replace_all(&text, with).into_owned();
    }
    text
}

/// Compares with a file beside this one. `SELFHEAL_UPDATE_GOLDEN=1` writes it; look at the difference before you commit it.
fn golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("across/audit/golden").join(name);
    if std::env::var_os("SELFHEAL_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{name} is another one now:\n{text}");
}

async fn told() -> Place {
    let place = Place::open(None).await;
    place.tick().await;
    place.ingest(HOSTILE).await;
    place.tick().await;
    let note = json!({ "text": HOSTILE });
    let _: IncidentView = place.client.post("/api/v1/incidents/1/note", &note).await.expect("noted");
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_file_tells_an_incident_whole() {
    let place = told().await;
    golden("case.md", &normalised(&case(&place, "md").await, &place));
    golden("case.html", &normalised(&case(&place, "html").await, &place));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_hostile_in_a_case_file_is_markup() {
    let place = told().await;
    let page = case(&place, "html").await;
    let body = page.split_once("<body>").expect("a body").1;
    for word in ["<script", "</pre><", "javascript:x\"", "\u{202e}", "href", "src="] {
        assert!(!body.contains(word), "{word}");
    }
    // The only tags are those that the form has.
    let tags = Regex::new(r"</?([a-z0-9]+)").expect("a pattern");
    let known = "header h1 p main section h2 div dl dt dd table thead tbody tr th td ul li figure figcaption pre code strong time body html";
    let known: Vec<&str> = known.split(' ').collect();
    for tag in tags.captures_iter(body) {
        assert!(known.contains(&&tag[1]), "{}", &tag[0]);
    }
    // As a reader's program takes it: tables are there, and no tag, link or image.
    let text = case(&place, "md").await;
    let events: Vec<Event<'_>> = Parser::new_ext(&text, Options::ENABLE_TABLES | Options::ENABLE_GFM).collect();
    assert!(events.iter().any(|event| matches!(event, Event::Start(Tag::Table(_)))));
    for event in &events {
        let foreign = matches!(
            event,
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock)
        );
        assert!(!foreign, "{event:?}");
    }
    // What was written is there all the same, in the evidence and in the note.
    let lines =
        events.iter().filter(|event| matches!(event, Event::Text(text) if text.contains("</pre><script>alert('x')")));
    assert_eq!(lines.count(), 2);
    // No fence was closed from inside: what follows the evidence is still a heading.
    let headings = events.iter().filter(|event| matches!(event, Event::Start(Tag::Heading { .. }))).count();
    assert_eq!(headings, text.lines().filter(|line| line.starts_with('#')).count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_line_is_told_and_the_trail_stays_whole() {
    let place = told().await;
    assert!(case(&place, "md").await.contains("exactly those that the last decision was made on"));
    place.intrude("update signals set text = '[redacted]', template = '[redacted]'").await;
    let text = case(&place, "md").await;
    assert!(text.contains("not exactly those") && text.contains("all whole"), "{text}");
    let reply = place.client.request("GET", "/api/v1/incidents/9/case", None).await.expect("answered");
    assert_eq!(reply.status, 404);
}
