//! From the configuration to notifiers.

use std::sync::Arc;

use selfheal_core::config::{NotifierKind, NotifierSpec, WebhookNotifier};
use selfheal_engine::ports::{Notifier, NotifyError, OpenedNotifier, Retry};

use super::email::Email;
use super::slack::Slack;
use super::webhook::{Access, Webhook};
use crate::{MissingSecret, Secret};

type Secrets<'a> = dyn Fn(&str) -> Result<Secret, MissingSecret> + 'a;

/// Opens configured notifiers, with their secrets from the environment. Connects to nothing.
pub fn open_notifiers(specs: &[NotifierSpec]) -> Vec<OpenedNotifier> {
    open_notifiers_with(specs, &Secret::from_env)
}

/// The same, with secrets from elsewhere.
pub fn open_notifiers_with(specs: &[NotifierSpec], secrets: &Secrets<'_>) -> Vec<OpenedNotifier> {
    specs.iter().map(|spec| OpenedNotifier { spec: spec.clone(), notifier: open(spec, secrets) }).collect()
}

fn open(spec: &NotifierSpec, secrets: &Secrets<'_>) -> Result<Arc<dyn Notifier>, NotifyError> {
    let name = spec.name.as_str();
    let get = |variable: &String| secrets(variable).map_err(|missing| lacks(&missing));
    let optional = |variable: &Option<String>| variable.as_ref().map(get).transpose();
    Ok(match spec.kind() {
        Some(NotifierKind::Webhook(hook)) => {
            let access = Access {
                secret: optional(&hook.secret_env)?,
                bearer: optional(&hook.bearer_env)?,
                headers: hook.headers.clone(),
            };
            let WebhookNotifier { url, url_env, .. } = hook;
            let url = match (url, url_env) {
                (Some(url), _) => Secret::new(url),
                (None, Some(variable)) => get(variable)?,
                (None, None) => return Err(nothing()),
            };
            Arc::new(Webhook::new(name, &url, access)?)
        }
        Some(NotifierKind::Slack(slack)) => Arc::new(Slack::new(name, &get(&slack.url_env)?)?),
        Some(NotifierKind::Email(mail)) => Arc::new(Email::new(name, mail, optional(&mail.password_env)?)?),
        None => return Err(nothing()),
    })
}

/// A restart with the variable set mends it, so what is to be told waits for that.
fn lacks(missing: &MissingSecret) -> NotifyError {
    NotifyError {
        why: format!("the environment variable `{}` is not set", missing.variable),
        next: "Set it where the engine is started, and restart the engine".into(),
        retry: Retry::Later,
    }
}

fn nothing() -> NotifyError {
    NotifyError {
        why: "its entry in the configuration says nothing to call".into(),
        next: "Give it one of webhook, slack and email".into(),
        retry: Retry::Never,
    }
}
