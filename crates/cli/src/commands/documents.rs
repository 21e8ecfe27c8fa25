//! `selfheal knowledge edit`, `add FILE`, `add` that asks, and `remove`.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use selfheal_api::view::{DocumentReply, DocumentView};
use selfheal_api::{Client, ClientError};
use selfheal_core::knowledge::{DOCUMENT_BYTES, PackEntry, read_document, read_entries, write_entry};
use selfheal_core::{ActionKind, PatternId};
use serde_json::json;

use super::BAD;
use super::packs::encoded;
use crate::args::{AddArguments, EditArguments, RemoveArguments};
use crate::{failure, output};

/// Patterns that `add` takes from one file; more than that is a pack to import.
const ADDED: usize = 1_000;

/// Whether what `add` was given is a file.
pub fn is_file(name: Option<&str>) -> bool {
    name.is_some_and(|name| {
        let lower = name.to_ascii_lowercase();
        name == "-" || lower.ends_with(".yaml") || lower.ends_with(".yml")
    })
}

pub async fn edit(client: &Client, as_json: bool, arguments: EditArguments) -> anyhow::Result<ExitCode> {
    let id = PatternId::from_name(&arguments.pattern);
    let view: DocumentView = client.get(&document_path(&id)).await?;
    if arguments.print {
        if as_json {
            output::json(&view)?;
        } else {
            output::line(view.document.trim_end());
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(file) = &arguments.file {
        let written = read_text(file)?;
        if written == view.document && !as_json {
            output::line("Nothing was changed.");
            return Ok(ExitCode::SUCCESS);
        }
        let outcome = offer(client, as_json, &id, &view.document, &written, &arguments).await;
        if file == "-" && !matches!(outcome, Ok(Offered::Done)) {
            keep_draft(&id, &written);
        }
        return ended(outcome, as_json);
    }
    let words = editor(arguments.editor.as_deref())?;
    let draft = Draft::new(&id, &view.document)?;
    loop {
        let status = selfheal_api::run_foreground(&[&words[..], &[draft.path.display().to_string()]].concat())
            .await
            .map_err(|why| anyhow::anyhow!("the editor did not start: {why}. Name another one with --editor"))?;
        let written = draft.read()?;
        if !status.success() {
            bail!(
                "the editor ended with an error ({status}); nothing was saved. Your text is kept in {}",
                draft.path.display()
            );
        }
        if written == view.document {
            remark(as_json, "Nothing was changed.");
            if as_json {
                output::json(&view)?;
            }
            draft.remove();
            return Ok(ExitCode::SUCCESS);
        }
        let outcome = offer(client, as_json, &id, &view.document, &written, &arguments).await;
        match &outcome {
            Ok(Offered::Done) => draft.remove(),
            Err(error) if is_mendable(error) && is_terminal() => {
                output::note!("{}", failure::words(error));
                if confirmed("Open it again?")? {
                    continue;
                }
                output::note!("Your text is kept in {}", draft.path.display());
                return Ok(code_of(error));
            }
            _ => output::note!("Your text is kept in {}", draft.path.display()),
        }
        return ended(outcome, as_json);
    }
}

/// What became of a document that was offered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offered {
    Done,
    Declined,
}

/// Checks a document, shows what it changes, asks, and saves it.
async fn offer(
    client: &Client,
    as_json: bool,
    id: &PatternId,
    base: &str,
    written: &str,
    arguments: &EditArguments,
) -> anyhow::Result<Offered> {
    let mut body = json!({ "document": written, "base": base, "dry_run": true });
    let looked: DocumentReply = client.put(&document_path(id), &body).await?;
    if !as_json {
        show_changes(&looked);
        consequences(client, &json!({ "pattern": id, "document": written })).await;
    }
    if arguments.dry_run {
        if as_json {
            output::json(&looked)?;
        }
        return Ok(Offered::Done);
    }
    if !arguments.yes && !asked("Save it?")? {
        remark(as_json, "Nothing was saved.");
        return Ok(Offered::Declined);
    }
    if looked.newly_acts && !arguments.yes_act && !may_act(id.as_str(), as_json)? {
        return Ok(Offered::Declined);
    }
    body["dry_run"] = json!(false);
    body["may_act"] = json!(looked.newly_acts);
    let saved: DocumentReply = client.put(&document_path(id), &body).await?;
    if as_json {
        output::json(&saved)?;
    } else {
        output::line(format!("Saved `{id}`."));
    }
    Ok(Offered::Done)
}

/// Asks whether a pattern may newly act by itself. An error where nobody is there to ask.
pub fn may_act(id: &str, as_json: bool) -> anyhow::Result<bool> {
    let question = format!("`{id}` would from now on act by itself in a way in which it may not yet. May it?");
    if !is_terminal() {
        bail!("{question}\n  Nobody is there to ask, and nothing was saved: say --yes-act if it may");
    }
    let may = confirmed(&question)?;
    if !may {
        remark(as_json, "Nothing was saved.");
    }
    Ok(may)
}

/// Whether an edit was refused because it would newly act.
pub fn would_act(error: &anyhow::Error) -> bool {
    problem_code(error) == Some("would_act")
}

/// A word to the person: beside the documents where standard output holds documents only.
fn remark(as_json: bool, text: &str) {
    if as_json { output::note!("{text}") } else { output::line(text) }
}

fn ended(outcome: anyhow::Result<Offered>, as_json: bool) -> anyhow::Result<ExitCode> {
    match outcome {
        Ok(Offered::Done) => Ok(ExitCode::SUCCESS),
        Ok(Offered::Declined) => Ok(ExitCode::FAILURE),
        Err(error) => {
            failure::tell(&error, as_json);
            Ok(code_of(&error))
        }
    }
}

fn problem_code(error: &anyhow::Error) -> Option<&str> {
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::Problem(problem)) => Some(&problem.code),
        _ => None,
    }
}

fn is_mendable(error: &anyhow::Error) -> bool {
    matches!(problem_code(error), Some("bad_document" | "examples_fail"))
}

fn code_of(error: &anyhow::Error) -> ExitCode {
    if problem_code(error) == Some("examples_fail") { ExitCode::from(BAD) } else { ExitCode::FAILURE }
}

fn document_path(id: &PatternId) -> String {
    format!("{}/document", pattern_path(id))
}

fn pattern_path(id: &PatternId) -> String {
    format!("/api/v1/patterns/{}", if id.as_str().is_empty() { "-".to_owned() } else { encoded(id.as_str()) })
}

fn show_changes(reply: &DocumentReply) {
    if reply.changes.is_empty() {
        output::line("What the pattern says does not change; comments or order may.");
    }
    for change in &reply.changes {
        output::line(format!("{}:", change.field));
        for (sign, text) in [("-", &change.before), ("+", &change.after)] {
            for line in text.lines() {
                output::line(format!("  {sign} {line}"));
            }
        }
    }
    if reply.newly_acts {
        output::line("It would act by itself in a way in which it may not yet.");
    }
}

/// Shows what the change would have meant for the incidents that are stored. An engine that cannot say is no hindrance, but
/// it is said.
pub async fn consequences(client: &Client, edit: &serde_json::Value) {
    match client.post("/api/v1/knowledge/replay", edit).await {
        Ok(reply) => {
            output::line("\nOn the incidents that are stored:");
            super::knowledge_replay::show(&reply);
        }
        Err(error) => {
            output::line("\nWhat it would have changed on stored incidents is not known:");
            output::line(format!("  {error}"));
        }
    }
}

/// The words of the editor's command.
fn editor(given: Option<&str>) -> anyhow::Result<Vec<String>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let command = given.map(str::to_owned).or_else(|| variable("VISUAL")).or_else(|| variable("EDITOR"));
    let Some(command) = command else {
        bail!("no editor is known. Set $EDITOR, name one with --editor, or give the document with --file");
    };
    let words = split_words(&command);
    if words.is_empty() {
        bail!("`{command}` names no editor");
    }
    Ok(words)
}

/// Words as they are written, with quotes around those that hold spaces. Nothing else means anything.
fn split_words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => (quote, begun) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (_, c) => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

/// The file that an editor works on. It stays until what is in it was saved.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn new(id: &PatternId, text: &str) -> anyhow::Result<Self> {
        let slug: String = id.as_str().chars().take(60).collect();
        for number in 0..100 {
            let path = std::env::temp_dir().join(format!("selfheal-{slug}-{}-{number}.yaml", std::process::id()));
            match write_new(&path, text) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("{} cannot be written", path.display())),
            }
        }
        bail!("no file for the editor could be made in {}", std::env::temp_dir().display())
    }

    fn read(&self) -> anyhow::Result<String> {
        read_text(&self.path.display().to_string())
    }

    fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Only its owner may read it, and nothing that is there is followed or replaced.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// A text that came through a pipe is nowhere else.
fn keep_draft(id: &PatternId, text: &str) {
    match Draft::new(id, text) {
        Ok(draft) => output::note!("Your text is kept in {}", draft.path.display()),
        Err(error) => output::note!("warning: your text could not be kept: {error}"),
    }
}

fn read_text(file: &str) -> anyhow::Result<String> {
    let limit = (DOCUMENT_BYTES * ADDED) as u64;
    let mut bytes = Vec::new();
    super::lines::open(file)?
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{file} cannot be read"))?;
    if bytes.len() as u64 > limit {
        bail!("{file} has more than {limit} bytes. Take it in with `selfheal knowledge import`");
    }
    String::from_utf8(bytes).with_context(|| format!("{file} is no text in UTF-8"))
}

pub async fn add(client: &Client, as_json: bool, arguments: &AddArguments) -> anyhow::Result<ExitCode> {
    let file = arguments.name.as_deref().unwrap_or("-");
    if has_flags(arguments) {
        bail!(
            "{file} is a file, and a file says everything itself. Leave the other flags out, or give a name without .yaml"
        );
    }
    let text = read_text(file)?;
    let documents = match documents_of(&text) {
        Ok(documents) => documents,
        Err((why, code)) => {
            for line in why {
                output::note!("error: {file}{line}");
            }
            output::note!("Nothing was added.");
            return Ok(code);
        }
    };
    if documents.len() > ADDED {
        bail!(
            "{file} has {}: `add` takes at most {ADDED}. Take them in with `selfheal knowledge import`",
            output::count(documents.len(), "pattern")
        );
    }
    // All are looked at before the first is saved.
    for (id, document) in &documents {
        let body = json!({ "document": document, "dry_run": true });
        match client.put::<DocumentReply>(&document_path(id), &body).await {
            Ok(reply) if reply.newly_acts && !arguments.yes_act => {
                output::note!(
                    "error: {file}: `{id}` would act by itself. Say --yes-act if it may, or write `auto_healable: false`. Nothing was added."
                );
                return Ok(ExitCode::FAILURE);
            }
            Ok(_) => {}
            Err(error) => {
                let error = error.into();
                failure::tell(&error, as_json);
                if !as_json {
                    output::note!("Nothing was added.");
                }
                return Ok(code_of(&error));
            }
        }
    }
    let mut replies = Vec::new();
    for (id, document) in &documents {
        let body = json!({ "document": document, "may_act": arguments.yes_act });
        replies.push(client.put::<DocumentReply>(&document_path(id), &body).await?);
    }
    if as_json {
        output::json(&json!({ "patterns": replies }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::table(
        ["pattern", "outcome", "changed"],
        "changed",
        replies.iter().map(|reply| {
            let changed: Vec<&str> = reply.changes.iter().map(|change| change.field.as_str()).collect();
            let outcome = match (reply.is_new, changed.is_empty()) {
                (true, _) => "added",
                (false, true) => "unchanged",
                (false, false) => "changed",
            };
            [
                reply.pattern.id.clone(),
                outcome.to_owned(),
                if reply.is_new { String::new() } else { changed.join(", ") },
            ]
        }),
    );
    Ok(ExitCode::SUCCESS)
}

/// Whether anything but a file was given.
fn has_flags(add: &AddArguments) -> bool {
    let texts = [&add.rule, &add.root_cause, &add.description, &add.action, &add.service, &add.project];
    let marks = [add.auto_healable, add.require_approval, add.infrastructure, add.shadow];
    texts.into_iter().any(Option::is_some)
        || marks.iter().any(Option::is_some)
        || add.confidence.is_some()
        || !(add.param.is_empty() && add.check.is_empty() && add.must_not.is_empty())
}

type Documents = Vec<(PatternId, String)>;

/// The patterns of a file: one as a document, or several as a pack.
fn documents_of(text: &str) -> Result<Documents, (Vec<String>, ExitCode)> {
    let is_pack = text.lines().any(|line| line.starts_with("patterns:"));
    if !is_pack {
        let entry = read_document(text, "").map_err(|error| {
            (
                vec![format!(":{}:{}: {}. Mend the YAML there.", error.line, error.column, error.message)],
                ExitCode::FAILURE,
            )
        })?;
        return Ok(vec![(entry.pattern_id(), text.to_owned())]);
    }
    let reading = read_entries(text);
    if !reading.faults.is_empty() {
        let words = reading.faults.iter().map(|fault| {
            let name = fault.name.as_ref().map(|name| format!("`{name}`: ")).unwrap_or_default();
            format!(":{}:{}: {name}{}. {}", fault.line, fault.column, fault.why, fault.next)
        });
        let code = if reading.has_failing_examples() { ExitCode::from(BAD) } else { ExitCode::FAILURE };
        return Err((words.collect(), code));
    }
    let info = reading.info;
    let document = |read: selfheal_core::knowledge::ReadEntry| {
        let id = read.entry.pattern_id();
        let entry = PackEntry { pack: read.entry.pack.clone().or_else(|| info.clone()), ..read.entry };
        let document = selfheal_core::knowledge::document_of(&entry, read.document.as_deref());
        (id, if read.document.is_some() { document } else { write_entry(&entry, 0) })
    };
    Ok(reading.entries.into_iter().map(document).collect())
}

/// Asks for what a new pattern needs.
pub fn ask(add: &mut AddArguments) -> anyhow::Result<()> {
    if !is_terminal() {
        bail!(
            "nobody is there to ask. Give a name with --rule and --root-cause, or a file: `selfheal knowledge add FILE.yaml`"
        );
    }
    output::line("A new pattern, or a change of one: what you leave empty is left out.");
    let name = loop {
        if let Some(name) = answer("What fails? Its name, such as `Payments: pool exhausted`")? {
            break name;
        }
        output::line("It needs a name.");
    };
    add.name = Some(name);
    add.rule = answered(add.rule.take(), "How does it look? A regular expression that matches the failure's text")?;
    add.root_cause = answered(add.root_cause.take(), "Why does it happen? The root cause")?;
    let kinds: Vec<&str> = ActionKind::ALL.iter().map(|kind| kind.as_str()).collect();
    add.action = answered(
        add.action.take(),
        &format!("What mends it? One of {}; nothing where nothing is safe", kinds.join(", ")),
    )?;
    add.check.extend(answer("What shows that it helped? An address or a command")?);
    add.must_not.extend(answer("Which word rules it out?")?);
    add.service = answered(add.service.take(), "For which service? Empty for all")?;
    output::line("It will not heal by itself until you say so: `selfheal knowledge add NAME --auto-healable`.");
    Ok(())
}

fn answered(given: Option<String>, question: &str) -> anyhow::Result<Option<String>> {
    if given.is_some() { Ok(given) } else { answer(question) }
}

fn answer(question: &str) -> anyhow::Result<Option<String>> {
    let line = output::ask(&format!("{question}\n> "))?;
    if line.is_empty() {
        bail!("the input ended before everything was asked. Nothing was added");
    }
    let line = line.trim();
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

pub async fn remove(client: &Client, as_json: bool, arguments: RemoveArguments) -> anyhow::Result<ExitCode> {
    let id = PatternId::from_name(&arguments.pattern);
    let path = pattern_path(&id);
    if !arguments.yes {
        let view: selfheal_api::view::PatternView = client.get(&path).await?;
        let question = format!(
            "Take `{}` ({}, {}) out of the knowledge base?",
            view.name,
            output::count(view.use_count, "use"),
            output::count(view.attempts, "outcome")
        );
        if !asked(&question)? {
            output::note!("Nothing was removed.");
            return Ok(ExitCode::FAILURE);
        }
    }
    let removed: DocumentView = client.delete(&path).await?;
    if as_json {
        output::json(&removed)?;
    } else {
        // Beside the document, which may go into a file from which it is added again.
        output::note!("Removed `{}`. It said:\n", removed.pattern);
        output::line(removed.document.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

fn asked(question: &str) -> anyhow::Result<bool> {
    if !is_terminal() {
        bail!("{question}\n  Nobody is there to ask: say --yes");
    }
    confirmed(question)
}

pub(super) fn confirmed(question: &str) -> anyhow::Result<bool> {
    Ok(is_yes(&output::ask(&format!("{question} [y/N] "))?))
}

/// Anything but a plain yes is a no.
fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_spaces_outside_of_quotes() {
        for (command, words) in [
            ("vi", &["vi"][..]),
            (" code  --wait ", &["code", "--wait"]),
            ("'/opt/my editor/ed' \"a b\"c ''", &["/opt/my editor/ed", "a bc", ""]),
            ("ed; rm -rf $HOME", &["ed;", "rm", "-rf", "$HOME"]),
            ("", &[]),
        ] {
            assert_eq!(split_words(command), words, "{command}");
        }
    }

    #[test]
    fn only_a_plain_yes_is_one() {
        for (answer, yes) in [
            ("y\n", true),
            ("Yes\n", true),
            ("YES", true),
            (" y \r\n", true),
            ("\n", false),
            ("", false),
            ("no\n", false),
            ("yes please\n", false),
        ] {
            assert_eq!(is_yes(answer), yes, "{answer:?}");
        }
    }

    #[test]
    fn a_file_is_known_by_its_ending() {
        for (name, file) in
            [(Some("a.yaml"), true), (Some("A.YML"), true), (Some("-"), true), (Some("yaml"), false), (None, false)]
        {
            assert_eq!(is_file(name), file, "{name:?}");
        }
    }
}
