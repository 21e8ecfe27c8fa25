//! Makes the draft of a cluster, and keeps the number of waiting drafts bounded.

use selfheal_core::config::Config;
use selfheal_core::knowledge::PatternStatus;
use selfheal_core::knowledge::draft::{
    Draft, DraftInput, Member, NearMiss, digest, draft_rule, make_draft, near_miss_words, scrub,
};
use selfheal_core::{PatternId, ServiceName, Timestamp};
use selfheal_store::{ClusterStatus, DraftCluster, StoreError, Tx};

use super::entry;

/// Members that a rule is made of: the latest.
pub(super) const MEMBERS: i64 = 50;
/// Drafts that wait at most: more than a person reads. Beyond it the weakest goes.
const WAITING: i64 = 200;
/// Patterns with a word of the rule whose examples it is tried on.
const PATTERNS: i64 = 500;
/// Lines of other failures that it is tried on, of the latest incidents that were known.
const KNOWN_TEXTS: i64 = 2_000;
const HITS: i64 = 500;
const OTHER_MEMBERS: i64 = 500;

/// Makes the draft, or makes it again where the new member can have changed it.
pub(super) async fn make(
    tx: &mut Tx,
    mut cluster: DraftCluster,
    before: &[Member],
    member: &Member,
    raw: &[String],
    config: &Config,
    now: Timestamp,
) -> Result<(), StoreError> {
    let stored = match cluster.pattern.as_str() {
        "" => None,
        _ => tx.pattern(&cluster.pattern).await?.filter(|pattern| pattern.status == PatternStatus::Draft),
    };
    let edited = stored.as_ref().is_some_and(|pattern| digest(pattern) != cluster.made);
    if edited || (stored.is_some() && !adds_something(before, member, cluster.incidents)) {
        return Ok(());
    }
    let members = tx.draft_members(cluster.id, MEMBERS).await?;
    let others = match draft_rule(&members, raw) {
        Some(rule) => others(tx, &cluster, &near_miss_words(&rule)).await?,
        None => Vec::new(),
    };
    let checks = checks(&members, config);
    let input = DraftInput {
        project: &cluster.project,
        members: &members,
        raw,
        others: &others,
        checks: &checks,
        incidents: cluster.incidents,
        now,
    };
    let Some(Draft { mut pattern, notes }) = make_draft(&input) else { return Ok(()) };
    match &stored {
        // What people have seen keeps its name.
        Some(stored) => {
            pattern.id = stored.id.clone();
            pattern.name.clone_from(&stored.name);
            pattern.created_at = stored.created_at;
        }
        None => pattern.id = tx.free_pattern_id(&pattern.name).await?,
    }
    tx.put_draft(&pattern).await?;
    cluster.pattern = pattern.id.clone();
    cluster.status = ClusterStatus::Waiting;
    cluster.made = digest(&pattern);
    cluster.notes = notes;
    tx.put_cluster(&cluster).await?;
    let result = match cluster.incidents {
        1 => "drafted from one incident".to_owned(),
        count => format!("drafted from {count} incidents"),
    };
    let mut drafted = entry("learning.drafted", "engine", &cluster, result, now);
    drafted.incident_id = Some(member.incident);
    drafted.action = pattern.action.as_ref().map(|action| action.kind.to_string());
    tx.audit(drafted.on_evidence(cluster.made.clone())).await?;
    if stored.is_none() {
        drop_weakest(tx, cluster.id, now).await?;
    }
    Ok(())
}

/// A storm of the same failure does not make the same draft a thousand times: a member counts where it says something new, and
/// otherwise whenever their number has doubled.
fn adds_something(before: &[Member], member: &Member, incidents: u32) -> bool {
    let resolved = member.resolution.as_ref().is_some_and(|one| one.action.is_some() || one.comment.is_some());
    resolved || incidents.is_power_of_two() || !before.iter().any(|one| one.template == member.template)
}

/// Lines of what else there is: examples of patterns, signals that a pattern's rule held in, members of other clusters. All of it
/// is bounded, since nobody else writes meanwhile.
async fn others(tx: &mut Tx, cluster: &DraftCluster, words: &[String]) -> Result<Vec<NearMiss>, StoreError> {
    let mut others = Vec::new();
    for word in words {
        for pattern in tx.patterns_saying(word, PATTERNS).await? {
            let near = |text: &String| NearMiss { text: text.clone(), of: format!("`{}`", pattern.name) };
            others.extend(pattern.examples.matches.iter().filter(|line| line.contains(word.as_str())).map(near));
        }
    }
    if words.is_empty() {
        return Ok(others);
    }
    for (text, pattern) in tx.texts_of_known(HITS, KNOWN_TEXTS).await? {
        if words.iter().any(|word| text.contains(word.as_str())) {
            others.push(NearMiss { text: scrub(&text), of: format!("incidents of `{pattern}`") });
        }
    }
    for member in tx.other_draft_members(cluster.id, OTHER_MEMBERS).await? {
        let of = format!("incident {}", member.incident);
        others.extend(member.texts.into_iter().take(1).map(|text| NearMiss { text, of: of.clone() }));
    }
    Ok(others)
}

/// The health checks of the members' services, in words. An address may carry a password.
fn checks(members: &[Member], config: &Config) -> Vec<String> {
    let mut services: Vec<&ServiceName> = members.iter().map(|member| &member.service).collect();
    services.sort();
    services.dedup();
    services
        .into_iter()
        .filter_map(|name| config.service(name))
        .flat_map(|service| service.health_checks.iter().map(|check| scrub(&check.words())))
        .take(5)
        .collect()
}

async fn drop_weakest(tx: &mut Tx, but: i64, now: Timestamp) -> Result<(), StoreError> {
    while tx.count_clusters(ClusterStatus::Waiting).await? > WAITING {
        let Some(mut weakest) = tx.weakest_cluster(but).await? else { return Ok(()) };
        tx.remove_draft(&weakest.pattern).await?;
        let result = format!("more than {WAITING} drafts waited, and this one had the fewest incidents");
        tx.audit(entry("learning.draft_dropped", "engine", &weakest, result, now)).await?;
        weakest.status = ClusterStatus::Dropped;
        weakest.pattern = PatternId::new("");
        weakest.updated_at = now;
        tx.put_cluster(&weakest).await?;
    }
    Ok(())
}
