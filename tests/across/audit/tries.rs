//! What somebody who can write to a database may do to its trail, each try on both databases: none of them passes for a
//! verified trail, neither at once nor after the next engine has run.
//!
//! The home was used as homes are: an engine ran, signed and stopped; then a command without an engine wrote something, which
//! is sealed and not signed.

use std::path::PathBuf;

use selfheal_api::view::{ChainView, Overview, PatternView, Verdict};
use selfheal_core::audit::{Entry, NewEntry, PublicKey, Sealer, Signature, Unsigned, key_added};
use selfheal_core::{Posture, Timestamp};
use selfheal_store::{AuditFilter, Connection};
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::Place;

/// The key of an intruder, who has none of this home's.
#[derive(Debug)]
struct Thief(ed25519_dalek::SigningKey);

impl Thief {
    fn new() -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&[66; 32]))
    }
}

impl Sealer for Thief {
    fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Signature {
        use ed25519_dalek::Signer;
        Signature::from_bytes(self.0.sign(message).to_bytes())
    }

    fn owner(&self) -> String {
        "db-2".into()
    }
}

/// A database and what lies beside it, in somebody's hands.
struct Intruder<'a> {
    place: &'a Place,
}

impl Intruder<'_> {
    async fn run(&self, sql: impl Into<String>) {
        let sql = sql.into();
        match self.place.app.engine.store().write().await.expect("writes").connection {
            Connection::Sqlite(mut tx) => {
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await.expect("ran");
                tx.commit().await.expect("committed");
            }
            Connection::Postgres(mut tx) => {
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await.expect("ran");
                tx.commit().await.expect("committed");
            }
        }
    }

    fn is_sqlite(&self) -> bool {
        self.place.app.engine.store().kind() == "SQLite"
    }

    /// Changes rows as if the triggers were not there, and puts these back, so that nothing else gives it away.
    async fn behind_the_triggers(&self, sql: impl AsRef<str>) {
        let guards = "audit_trail_is_not_edited audit_trail_is_not_shortened audit_trail_is_not_replaced \
            audit_checkpoints_are_not_edited audit_checkpoints_are_not_removed audit_checkpoints_are_not_replaced";
        if self.is_sqlite() {
            let drop: String = guards.split_whitespace().map(|name| format!("drop trigger {name};")).collect();
            self.run(format!("{drop} {}", sql.as_ref())).await;
            let mut tx = self.place.app.engine.store().write().await.expect("writes");
            let missing = tx.audit_guards().await.expect("read").missing;
            tx.mend_audit_guards(&missing).await.expect("made");
            tx.commit().await.expect("committed");
        } else {
            self.run(format!("set local session_replication_role = replica; {}", sql.as_ref())).await;
        }
    }

    async fn entries(&self) -> Vec<Entry> {
        let mut tx = self.place.app.engine.store().read().await.expect("reads");
        let range = tx.audit_range(None, None).await.expect("read").expect("entries");
        tx.audit_page(&range, None, 1_000).await.expect("read")
    }

    async fn last(&self) -> i64 {
        self.entries().await.last().expect("an entry").id.0
    }

    /// Appends an entry whose hash is right.
    async fn append(&self, new: NewEntry, seal: Option<&dyn Sealer>) -> Entry {
        let entries = self.entries().await;
        let last = entries.last().expect("an entry");
        let mut entry = new.chain(Some((last.id, last.hash.as_str())));
        if let Some(sealer) = seal {
            entry = entry.sealed(sealer);
        }
        self.put(&entry).await;
        entry
    }

    async fn put(&self, entry: &Entry) {
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let or_null = |value: Option<&str>| value.map_or_else(|| "null".to_owned(), text);
        let Entry { id, at, event_type, actor, action, target, result, controls, details, evidence_digest, .. } = entry;
        let number = |value: Option<i64>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
        let sql = format!(
            "insert into audit_trail (id, at, event_type, actor, incident_id, pattern_id, confidence, action, target, result, controls, details, evidence_digest, prev_hash, hash, seal_key, seal)
             values ({id}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
            at.as_micros(),
            text(event_type),
            text(actor),
            number(entry.incident_id.map(|id| id.0)),
            or_null(entry.pattern_id.as_ref().map(|id| id.as_str())),
            number(entry.confidence.map(|value| i64::from(value.get()))),
            or_null(action.as_deref()),
            or_null(target.as_deref()),
            text(result),
            text(controls),
            text(details),
            text(evidence_digest),
            text(&entry.prev_hash),
            text(&entry.hash),
            or_null(entry.seal.as_ref().map(|seal| seal.key.0.as_str())),
            or_null(entry.seal.as_ref().map(|seal| seal.signature.to_string()).as_deref()),
        );
        self.run(sql).await;
    }

    /// Computes every hash from an entry on anew.
    async fn rehash(&self, change: impl Fn(&mut Vec<Entry>)) {
        let mut entries = self.entries().await;
        change(&mut entries);
        for i in 0..entries.len() {
            if i > 0 {
                entries[i].prev_hash = entries[i - 1].hash.clone();
                entries[i].id = selfheal_core::AuditId(i as i64 + 1);
            }
            entries[i].hash = entries[i].computed_hash();
        }
        self.behind_the_triggers("delete from audit_trail").await;
        for entry in entries {
            self.put(&entry).await;
        }
    }

    async fn checkpoint(&self, by: &Thief) {
        let entries = self.entries().await;
        let last = entries.last().expect("an entry");
        let (entry_hash, key_id) = (last.hash.clone(), by.public_key().id());
        let unsigned = Unsigned {
            entry_id: last.id,
            entry_hash,
            entries: last.id.0.unsigned_abs(),
            at: Timestamp::from_micros(9),
            key_id: key_id.clone(),
        };
        let signature = by.sign(&unsigned.message());
        self.run(format!(
            "insert into audit_checkpoints (entry_id, entry_hash, entries, at, key_id, signature)
             values ({}, '{}', {}, 9, '{key_id}', '{signature}')",
            last.id, last.hash, last.id
        ))
        .await;
    }

    fn file(&self) -> PathBuf {
        let folder = std::fs::read_dir(self.place.folder.path().join("data")).expect("a folder");
        let mut names = folder.map(|entry| entry.expect("an entry").path());
        names
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("audit.checkpoints")))
            .expect("kept")
    }

    /// Keeps only these lines of the home's file.
    fn keep_lines(&self, keep: impl Fn(usize, usize) -> bool) {
        let text = std::fs::read_to_string(self.file()).expect("read");
        let lines: Vec<&str> = text.lines().collect();
        let kept: String = lines
            .iter()
            .enumerate()
            .filter(|(i, _)| keep(*i, lines.len()))
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        std::fs::write(self.file(), kept).expect("written");
    }

    fn replace_the_key(&self) {
        std::fs::remove_file(self.place.folder.path().join("data/audit.key")).expect("removed");
    }
}

fn forged() -> NewEntry {
    NewEntry {
        at: Timestamp::from_micros(1_800_000_000_000_000),
        event_type: "approval.granted",
        actor: "ada".into(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result: "approved".into(),
        details: json!({}),
    }
}

/// One try.
#[derive(Clone, Copy, Debug)]
enum Try {
    EditAnEntry,
    EditAndRehash,
    RemoveOne,
    RemoveOneAndRehash,
    InsertOneAndRehash,
    SwapTwo,
    CutTheUnsignedEnd,
    CutAlsoWhatIsSigned,
    CutWithTheCheckpointsOfTheDatabase,
    CutWithTheCheckpointsOfBothPlaces,
    EmptyEverything,
    RemoveTheLastCheckpointFromTheDatabase,
    RemoveACheckpointInTheMiddle,
    RemoveAllCheckpointsFromTheDatabase,
    RemoveTheHomesFile,
    CutTheHomesFile,
    RemoveACheckpointFromTheHomesFile,
    RemoveAllCheckpointsFromBothPlaces,
    RemoveTheLastCheckpointFromBothPlaces,
    EditACheckpoint,
    ForgeACheckpoint,
    DropTheTriggers,
    DropOneTrigger,
    DisarmATrigger,
    AddATrigger,
    ReplaceTheKey,
    AppendAnEntry,
    AppendAnEntryWithASealOfAnotherKey,
    AppendAnEntryWithTheSealOfAnotherEntry,
    AppendAKeyAndAnEntry,
    AppendAKeyAnEntryAndACheckpoint,
    AppendAKeyAnAcceptanceAndAnEntry,
    StripASeal,
    ChangeASeal,
}

impl Try {
    /// Each of them. The match below does not compile where one is missing.
    const ALL: [Self; 34] = [
        Self::EditAnEntry,
        Self::EditAndRehash,
        Self::RemoveOne,
        Self::RemoveOneAndRehash,
        Self::InsertOneAndRehash,
        Self::SwapTwo,
        Self::CutTheUnsignedEnd,
        Self::CutAlsoWhatIsSigned,
        Self::CutWithTheCheckpointsOfTheDatabase,
        Self::CutWithTheCheckpointsOfBothPlaces,
        Self::EmptyEverything,
        Self::RemoveTheLastCheckpointFromTheDatabase,
        Self::RemoveACheckpointInTheMiddle,
        Self::RemoveAllCheckpointsFromTheDatabase,
        Self::RemoveTheHomesFile,
        Self::CutTheHomesFile,
        Self::RemoveACheckpointFromTheHomesFile,
        Self::RemoveAllCheckpointsFromBothPlaces,
        Self::RemoveTheLastCheckpointFromBothPlaces,
        Self::EditACheckpoint,
        Self::ForgeACheckpoint,
        Self::DropTheTriggers,
        Self::DropOneTrigger,
        Self::DisarmATrigger,
        Self::AddATrigger,
        Self::ReplaceTheKey,
        Self::AppendAnEntry,
        Self::AppendAnEntryWithASealOfAnotherKey,
        Self::AppendAnEntryWithTheSealOfAnotherEntry,
        Self::AppendAKeyAndAnEntry,
        Self::AppendAKeyAnEntryAndACheckpoint,
        Self::AppendAKeyAnAcceptanceAndAnEntry,
        Self::StripASeal,
        Self::ChangeASeal,
    ];

    /// Does it, and says what is then found: broken, or not to be told.
    async fn run(self, by: &Intruder<'_>) -> Verdict {
        const LAST: &str = "(select max(entry_id) from audit_checkpoints)";
        let thief = Thief::new();
        match self {
            Self::EditAnEntry => by.behind_the_triggers("update audit_trail set actor = 'nobody' where id = 3").await,
            Self::EditAndRehash => by.rehash(|entries| entries[2].actor = "nobody".into()).await,
            Self::RemoveOne => by.behind_the_triggers("delete from audit_trail where id = 3").await,
            Self::RemoveOneAndRehash => by.rehash(|entries| drop(entries.remove(2))).await,
            Self::InsertOneAndRehash => {
                by.rehash(|entries| {
                    let before = entries[1].clone();
                    entries.insert(2, forged().chain(Some((before.id, &before.hash))));
                })
                .await;
            }
            Self::SwapTwo => {
                by.behind_the_triggers(
                    "update audit_trail set id = 1000 where id = 3; update audit_trail set id = 3 where id = 2;
                     update audit_trail set id = 2 where id = 1000",
                )
                .await;
            }
            Self::CutTheUnsignedEnd => {
                let last = by.last().await;
                by.behind_the_triggers(format!("delete from audit_trail where id = {last}")).await;
            }
            Self::CutAlsoWhatIsSigned => by.behind_the_triggers("delete from audit_trail where id > 2").await,
            Self::CutWithTheCheckpointsOfTheDatabase => {
                by.behind_the_triggers(
                    "delete from audit_checkpoints where entry_id > 1; delete from audit_trail where id > 1",
                )
                .await;
            }
            Self::CutWithTheCheckpointsOfBothPlaces => {
                by.behind_the_triggers(
                    "delete from audit_checkpoints where entry_id > 1; delete from audit_trail where id > 1",
                )
                .await;
                by.keep_lines(|i, _| i == 0);
            }
            Self::EmptyEverything => {
                by.behind_the_triggers("delete from audit_checkpoints; delete from audit_trail").await;
                by.keep_lines(|_, _| false);
            }
            Self::RemoveTheLastCheckpointFromTheDatabase => {
                by.behind_the_triggers(format!("delete from audit_checkpoints where entry_id = {LAST}")).await;
            }
            Self::RemoveACheckpointInTheMiddle => {
                by.behind_the_triggers(format!(
                    "delete from audit_checkpoints where entry_id > 1 and entry_id < {LAST}"
                ))
                .await;
            }
            Self::RemoveAllCheckpointsFromTheDatabase => by.behind_the_triggers("delete from audit_checkpoints").await,
            Self::RemoveTheHomesFile => std::fs::remove_file(by.file()).expect("removed"),
            Self::CutTheHomesFile => by.keep_lines(|i, _| i == 0),
            Self::RemoveACheckpointFromTheHomesFile => by.keep_lines(|i, _| i != 1),
            Self::RemoveAllCheckpointsFromBothPlaces => {
                by.behind_the_triggers("delete from audit_checkpoints").await;
                by.keep_lines(|_, _| false);
            }
            Self::RemoveTheLastCheckpointFromBothPlaces => {
                by.behind_the_triggers(format!("delete from audit_checkpoints where entry_id = {LAST}")).await;
                by.keep_lines(|i, count| i + 1 < count);
            }
            Self::EditACheckpoint => {
                by.behind_the_triggers("update audit_checkpoints set at = at + 1 where entry_id = 1").await
            }
            Self::ForgeACheckpoint => by.checkpoint(&thief).await,
            Self::DropTheTriggers if by.is_sqlite() => {
                by.run(
                    "drop trigger audit_trail_is_not_edited; drop trigger audit_trail_is_not_shortened;
                    drop trigger audit_checkpoints_are_not_edited; drop trigger audit_checkpoints_are_not_removed",
                )
                .await;
            }
            Self::DropTheTriggers => {
                by.run(
                    "drop trigger audit_trail_is_not_changed on audit_trail;
                    drop trigger audit_checkpoints_are_not_changed on audit_checkpoints",
                )
                .await;
            }
            Self::DropOneTrigger if by.is_sqlite() => by.run("drop trigger audit_trail_is_not_replaced").await,
            Self::DropOneTrigger => by.run("alter table audit_trail disable trigger audit_trail_is_not_changed").await,
            Self::DisarmATrigger if by.is_sqlite() => {
                by.run("drop trigger audit_trail_is_not_edited;
                    create trigger audit_trail_is_not_edited before update on audit_trail when false begin select 1; end").await;
            }
            Self::DisarmATrigger => {
                by.run(
                    "create or replace function audit_trail_is_append_only() returns trigger language plpgsql as
                    $$ begin return coalesce(new, old); end $$",
                )
                .await;
            }
            Self::AddATrigger if by.is_sqlite() => {
                by.run("create trigger quiet before insert on audit_trail when new.actor = 'mallory' begin select raise(ignore); end").await;
            }
            Self::AddATrigger => {
                by.run(
                    "create function quiet() returns trigger language plpgsql as
                    $$ begin if new.actor = 'mallory' then return null; end if; return new; end $$;
                    create trigger quiet before insert on audit_trail for each row execute function quiet()",
                )
                .await;
            }
            Self::ReplaceTheKey => by.replace_the_key(),
            Self::AppendAnEntry => drop(by.append(forged(), None).await),
            Self::AppendAnEntryWithASealOfAnotherKey => drop(by.append(forged(), Some(&thief)).await),
            Self::AppendAnEntryWithTheSealOfAnotherEntry => {
                let entry = by.append(forged(), None).await;
                let set = |column| format!("{column} = (select {column} from audit_trail where id = 3)");
                by.behind_the_triggers(format!(
                    "update audit_trail set {}, {} where id = {}",
                    set("seal_key"),
                    set("seal"),
                    entry.id
                ))
                .await;
            }
            Self::AppendAKeyAndAnEntry => {
                by.append(key_added(&thief.public_key(), "db-2", forged().at), Some(&thief)).await;
                by.append(forged(), Some(&thief)).await;
                return Verdict::CannotTell;
            }
            Self::AppendAKeyAnEntryAndACheckpoint => {
                by.append(key_added(&thief.public_key(), "db-2", forged().at), Some(&thief)).await;
                by.append(forged(), Some(&thief)).await;
                by.checkpoint(&thief).await;
                return Verdict::CannotTell;
            }
            Self::AppendAKeyAnAcceptanceAndAnEntry => {
                by.append(key_added(&thief.public_key(), "db-2", forged().at), Some(&thief)).await;
                by.append(NewEntry { event_type: "automation.database_accepted", ..forged() }, Some(&thief)).await;
                by.append(forged(), Some(&thief)).await;
                return Verdict::CannotTell;
            }
            Self::StripASeal => {
                let last = by.last().await;
                by.behind_the_triggers(format!(
                    "update audit_trail set seal = null, seal_key = null where id = {last}"
                ))
                .await;
            }
            Self::ChangeASeal => {
                let last = by.last().await;
                let signature = thief.sign(b"something else");
                by.behind_the_triggers(format!("update audit_trail set seal = '{signature}' where id = {last}")).await;
            }
        }
        Verdict::Broken
    }

    /// Whether the next start puts it right, on record: what was taken away was in another place as well.
    const fn is_mended(self) -> bool {
        matches!(
            self,
            Self::RemoveTheLastCheckpointFromTheDatabase
                | Self::RemoveACheckpointInTheMiddle
                | Self::RemoveAllCheckpointsFromTheDatabase
                | Self::RemoveTheHomesFile
                | Self::CutTheHomesFile
                | Self::RemoveACheckpointFromTheHomesFile
                | Self::DropTheTriggers
                | Self::DropOneTrigger
                | Self::DisarmATrigger
        )
    }
}

/// A home that was used, with three checkpoints, and a last entry that only its seal vouches for.
async fn used(database: Option<String>) -> Place {
    let mut place = Place::open(database).await;
    for round in 0..2 {
        place.tick().await;
        place.ingest(&format!("ERROR nobody has seen this {} before", ["thing", "other one"][round])).await;
        place.tick().await;
        place = place.reopen().await;
    }
    let pattern = json!({ "name": "Disk full", "root_cause": "no room", "rule": "no space left on device" });
    let _: PatternView = place.client.put("/api/v1/patterns/disk-full", &pattern).await.expect("added");
    // An engine that was killed before it signed remembers what it saw.
    place.tick().await;
    place.app.set_posture(Posture::Observe, None, None, "test").await.expect("set");
    place.app.engine.trust().await.expect("remembered");
    place
}

async fn check(place: &Place) -> ChainView {
    place.client.get("/api/v1/audit/verify").await.expect("checked")
}

async fn header(place: &Place) -> Overview {
    place.client.get("/api/v1/overview").await.expect("shown")
}

async fn every_try_is_found(database: impl Fn() -> Option<String>) {
    for tried in Try::ALL {
        let place = used(database()).await;
        let before = check(&place).await;
        assert_eq!(before.verdict, Verdict::Verified, "before {tried:?}: {before:?}");
        let expected = tried.run(&Intruder { place: &place }).await;
        let place = match tried {
            // Nobody looks at the key while it is in memory.
            Try::ReplaceTheKey => place.reopen_killed().await,
            _ => place,
        };
        let found = check(&place).await;
        assert!(!found.ok && found.verdict == expected, "{tried:?}: {found:?}");
        assert!(
            found.first_bad.is_some() || !found.problems.is_empty() || !found.doubts.is_empty(),
            "{tried:?}: {found:?}"
        );
        // The next engine says so, and does not make it good.
        let place = place.reopen_killed().await;
        let signed = signatures(&place).await;
        place.tick().await;
        let problems = place.app.engine.status().problems;
        let after = check(&place).await;
        if tried.is_mended() {
            assert!(
                after.ok && after.notes.iter().any(|note| note.contains("gone") || note.contains("made again")),
                "{tried:?}: {after:?}"
            );
            assert!(problems.keys().any(|about| about.starts_with("audit ")), "{tried:?}: {problems:?}");
        } else {
            assert!(!after.ok, "{tried:?}: the next engine made it good: {after:?}");
            let shown = header(&place).await.audit;
            assert!(
                !shown.ok && shown.verdict != Verdict::Verified && shown.first_bad.is_some(),
                "{tried:?}: {shown:?}"
            );
        }
        if matches!(expected, Verdict::CannotTell) || format!("{tried:?}").starts_with("Append") {
            assert_eq!(signatures(&place).await, signed, "{tried:?} was signed over");
            assert!(
                problems.get("audit trail").is_some_and(|why| why.contains("not signed")),
                "{tried:?}: {problems:?}"
            );
        }
    }
}

async fn signatures(place: &Place) -> usize {
    place.app.engine.store().read().await.expect("reads").audit_checkpoints().await.expect("read").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_try_is_found_on_sqlite() {
    every_try_is_found(|| None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_try_is_found_on_postgres() {
    every_try_is_found(|| Some(selfheal_tests::postgres::Postgres::server().database())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_takes_what_cannot_be_told_on_record() {
    let place = used(None).await;
    let thief = Thief::new();
    let by = Intruder { place: &place };
    by.append(key_added(&thief.public_key(), "db-2", forged().at), Some(&thief)).await;
    assert_eq!(check(&place).await.verdict, Verdict::CannotTell);
    let accept = json!({ "posture": "observe", "minutes": null, "reason": null, "accept_database": true });
    let _: serde_json::Value = place.client.put("/api/v1/automation", &accept).await.expect("taken");
    let found = check(&place).await;
    assert_eq!(found.verdict, Verdict::Verified, "{found:?}");
    assert!(found.notes.iter().any(|note| note.contains("took the trail before it as it was")), "{found:?}");
    // It is signed again, and the other engine's entries count from now on.
    let signed = signatures(&place).await;
    place.tick().await;
    assert_eq!(signatures(&place).await, signed + 1, "{:?}", place.app.engine.status().problems);
    by.append(forged(), Some(&thief)).await;
    assert_eq!(check(&place).await.verdict, Verdict::Verified);
    // A second time there is nothing to take.
    let before = accepted(&place).await;
    let _: serde_json::Value = place.client.put("/api/v1/automation", &accept).await.expect("taken");
    assert_eq!(accepted(&place).await, before);
}

/// How often somebody took the database as it was.
async fn accepted(place: &Place) -> i64 {
    let filter = AuditFilter { event: "automation.database_accepted".into(), ..AuditFilter::default() };
    place.app.engine.store().read().await.expect("reads").audit_count(&filter).await.expect("read")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_taken_by_a_person_only() {
    let place = used(None).await;
    Intruder { place: &place }.replace_the_key();
    let place = place.reopen_killed().await;
    place.tick().await;
    let found = check(&place).await;
    assert!(!found.ok && found.problems.iter().any(|problem| problem.contains("was replaced")), "{found:?}");
    let accept = json!({ "posture": "observe", "minutes": null, "reason": null, "accept_database": true });
    let _: serde_json::Value = place.client.put("/api/v1/automation", &accept).await.expect("taken");
    place.tick().await;
    let found = check(&place).await;
    assert!(found.ok && found.signed.iter().any(|signed| signed.of_this_home), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_engine_counts_when_somebody_at_the_first_vouched_for_it() {
    let database = Some(selfheal_tests::postgres::Postgres::server().database());
    let (first, second) = (used(database.clone()).await, Place::open(database).await);
    for place in [&first, &second] {
        let found = check(place).await;
        assert_eq!(found.verdict, Verdict::CannotTell, "{found:?}");
        assert!(
            found.doubts.iter().any(|doubt| doubt.contains("nobody who was there before vouched for it")),
            "{found:?}"
        );
    }
    let accept = json!({ "posture": "observe", "minutes": null, "reason": null, "accept_database": true });
    let _: serde_json::Value = first.client.put("/api/v1/automation", &accept).await.expect("taken");
    for place in [&first, &second] {
        let found = check(place).await;
        assert_eq!(found.verdict, Verdict::Verified, "{found:?}");
    }
    first.app.engine.stop().await;
    second.tick().await;
    let found = check(&second).await;
    assert!(found.signed.iter().any(|signed| signed.of_this_home), "{found:?} {:?}", second.app.engine.status());
}

/// What an older Selfheal wrote has no seals: verifiable as it was, and sealed from the next entry on.
#[tokio::test(flavor = "multi_thread")]
async fn a_trail_from_before_there_were_seals_is_taken_up() {
    let place = used(None).await;
    let by = Intruder { place: &place };
    by.rehash(|entries| {
        for entry in entries {
            entry.seal = None;
            if entry.event_type == "audit.key_added" {
                entry.action = None;
            }
        }
    })
    .await;
    by.behind_the_triggers("delete from audit_checkpoints").await;
    std::fs::remove_file(by.file()).expect("removed");
    std::fs::remove_file(place.folder.path().join("data/high_water.json")).expect("removed");
    let place = place.reopen_killed().await;
    assert!(!check(&place).await.ok, "nothing vouches for it");
    place.tick().await;
    let found = check(&place).await;
    assert_eq!((found.verdict, found.signed.len()), (Verdict::Verified, 1), "{found:?}");
    let by = Intruder { place: &place };
    by.append(forged(), None).await;
    assert_eq!(check(&place).await.verdict, Verdict::Broken, "from here on each has a seal");
}
