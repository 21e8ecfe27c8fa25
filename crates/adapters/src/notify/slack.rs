//! An incoming webhook of Slack: Block Kit, with a text for where blocks are not shown (notifications, Mattermost).
//!
//! Formats and limits: <https://docs.slack.dev/reference/block-kit/blocks>; escaping:
//! <https://docs.slack.dev/messaging/formatting-message-text#escaping>.

use async_trait::async_trait;
use selfheal_core::{About, Notice, Severity};
use selfheal_engine::ports::{Notifier, NotifyError};
use serde_json::{Value, json};

use super::post::Post;
use crate::Secret;

/// Characters of a header block and of a section's text.
const HEADER_LIMIT: usize = 150;
const TEXT_LIMIT: usize = 3_000;

#[derive(Debug)]
pub struct Slack {
    name: String,
    post: Post,
}

impl Slack {
    pub fn new(name: &str, url: &Secret) -> Result<Self, NotifyError> {
        Ok(Self { name: name.to_owned(), post: Post::new(url, &[])? })
    }
}

#[async_trait]
impl Notifier for Slack {
    fn name(&self) -> &str {
        &self.name
    }

    async fn notify(&self, notice: &Notice) -> Result<String, NotifyError> {
        self.post.json(message(notice).to_string().into_bytes(), |request| request).await
    }
}

fn message(notice: &Notice) -> Value {
    let title = format!("{} {}", sign(notice), notice.title);
    let mut facts = vec![format!("Severity: *{}*", notice.severity.as_str())];
    if let About::Incident { incident, service, state, .. } = &notice.about {
        facts.push(format!("Service: *{}*", escaped(&selfheal_core::visible_line(service.as_str()))));
        facts.push(format!("Incident: *{incident}* ({})", state.replace('_', " ")));
    }
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": cut(&title, HEADER_LIMIT), "emoji": true } }),
    ];
    // A section may not be empty.
    if !notice.body.trim().is_empty() {
        // Escaping makes longer, so it is cut afterwards.
        let text = cut(&escaped(&notice.body), TEXT_LIMIT);
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } }));
    }
    let facts: Vec<Value> = facts.iter().map(|fact| json!({ "type": "mrkdwn", "text": fact })).collect();
    blocks.push(json!({ "type": "context", "elements": facts }));
    json!({ "text": escaped(&cut(&title, HEADER_LIMIT)), "blocks": blocks })
}

const fn sign(notice: &Notice) -> &'static str {
    match (&notice.about, notice.severity) {
        (About::Test, _) => ":test_tube:",
        (_, Severity::Critical) => ":rotating_light:",
        (_, Severity::High) => ":warning:",
        _ => ":information_source:",
    }
}

/// The three characters that are Slack's own. A log line must not call everybody with `<!channel>`.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// At most so many characters, and no half of an escaped one.
fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit - 1).collect();
    if let Some(at) = short.rfind('&')
        && !short[at..].contains(';')
    {
        short.truncate(at);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use selfheal_core::{IncidentId, NoticeKind, ServiceName, Timestamp};

    use super::*;

    fn notice(body: &str) -> Notice {
        Notice {
            id: "1".into(),
            at: Timestamp::EPOCH,
            severity: Severity::Critical,
            title: "web needs you".into(),
            body: body.into(),
            about: About::Incident {
                kind: NoticeKind::Escalated,
                incident: IncidentId(7),
                service: ServiceName::new("web"),
                state: "escalated".into(),
                opened_at: Timestamp::EPOCH,
            },
        }
    }

    #[test]
    fn a_log_line_cannot_call_the_channel() {
        let shown = message(&notice("<!channel> a && b > c")).to_string();
        assert!(shown.contains("&lt;!channel&gt; a &amp;&amp; b &gt; c") && !shown.contains("<!"), "{shown}");
    }

    #[test]
    fn limits_hold_also_where_escaping_makes_longer() {
        for body in ["&".repeat(2_000), "ä".repeat(5_000), "x".repeat(3_000), String::new()] {
            let shown = message(&notice(&body));
            let text = shown["blocks"][1]["text"]["text"].as_str().unwrap_or_default();
            assert!(text.chars().count() <= TEXT_LIMIT, "{}", text.len());
            assert!(!text.trim_end_matches('…').ends_with("&am"), "{text}");
            let sections = shown["blocks"].as_array().expect("blocks").iter().filter(|b| b["type"] == "section");
            assert_eq!(sections.count(), usize::from(!body.is_empty()));
        }
    }
}
