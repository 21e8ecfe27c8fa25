//! What an incoming pattern does to the base. Foreign knowledge never brings trust with it, and never takes away what was
//! learned or written here.

use super::{PackEntry, Pattern, write_entry};
use crate::{BasisPoints, Timestamp};

/// What imported knowledge is trusted at most, whatever its file says.
pub const IMPORT_CONFIDENCE: BasisPoints = BasisPoints::saturating(6_000);

/// What became of one incoming pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Added,
    /// `disarmed` where what it reads or does changed, and it may therefore not act by itself any more.
    Updated {
        disarmed: bool,
    },
    Unchanged,
    /// The base has another pattern under its id: a name that differs in nothing that an id is made of. That one stays.
    Taken,
    /// The base has its own, which stays as it is.
    Kept {
        why: &'static str,
    },
}

/// What the base knows of an incoming pattern.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    pub pattern: &'a Pattern,
    /// The digest of its content as it last came in; `None` where it never did.
    pub imported: Option<&'a str>,
}

/// Takes the trust away that a file claims. True where it claimed more than it gets.
pub fn lower_trust(entry: &mut PackEntry) -> bool {
    let lowered = entry.confidence > IMPORT_CONFIDENCE || entry.auto_healable;
    entry.confidence = entry.confidence.min(IMPORT_CONFIDENCE);
    entry.auto_healable = false;
    lowered
}

/// An entry without what is each base's own: trust and safety marks.
fn content(entry: &PackEntry) -> PackEntry {
    let neutral = PackEntry::new("", "");
    PackEntry {
        confidence: neutral.confidence,
        auto_healable: neutral.auto_healable,
        require_approval: neutral.require_approval,
        infrastructure: neutral.infrastructure,
        shadow: neutral.shadow,
        ..entry.clone()
    }
}

/// The digest of what an entry says, whatever it is trusted.
pub fn content_digest(entry: &PackEntry) -> String {
    crate::sha256_hex(write_entry(&content(entry), 0))
}

/// Why the local pattern is more than what once came in; `None` where it is not.
fn own(local: Local<'_>, content: &PackEntry) -> Option<&'static str> {
    let Local { pattern, imported } = local;
    if pattern.attempts > 0 || pattern.use_count > 0 {
        return Some("it has outcomes of its own");
    }
    let edited = match imported {
        Some(digest) => digest != content_digest(content),
        // The starter knowledge and older imports: nobody wrote them here unless they were changed since.
        None => {
            !matches!(pattern.provenance.origin.as_str(), "starter" | "import" | "icdev")
                || pattern.created_at != pattern.updated_at
        }
    };
    edited.then_some("it was written or edited here")
}

/// Weighs an incoming entry, whose trust is lowered already, against the base. With it comes the pattern to be stored, where
/// one is.
pub fn weigh(
    local: Option<Local<'_>>,
    incoming: PackEntry,
    origin: &str,
    replace: bool,
    now: Timestamp,
) -> (Verdict, Option<Pattern>) {
    let Some(local) = local else {
        return (Verdict::Added, Some(incoming.into_checked_pattern(origin, now)));
    };
    // A pack may spell the name of its own pattern anew, and who writes the id means that pattern; anything else is another one.
    let of_one_pack = incoming.pack.is_some()
        && incoming.pack.as_ref().map(|pack| &pack.name)
            == local.pattern.provenance.pack.as_ref().map(|pack| &pack.name);
    if incoming.id.is_none() && !crate::same_name(&local.pattern.name, &incoming.name) && !of_one_pack {
        return (Verdict::Taken, None);
    }
    let before = PackEntry::from(local.pattern);
    let (have, want) = (content(&before), content(&incoming));
    // A safety mark that the file sets and the base has not is a change; one that it lacks is not.
    let is_stricter =
        (incoming.require_approval && !before.require_approval) || (incoming.infrastructure && !before.infrastructure);
    if have == want && !is_stricter {
        return (Verdict::Unchanged, None);
    }
    if let Some(why) = own(local, &have).filter(|_| !replace) {
        return (Verdict::Kept { why }, None);
    }
    let acts_otherwise = have.rule != want.rule
        || have.must_not != want.must_not
        || have.action != want.action
        || have.scope != want.scope;
    let disarmed = acts_otherwise && before.auto_healable;
    let mut pattern = incoming.into_checked_pattern(&local.pattern.provenance.origin, now);
    let mut confidence = local.pattern.confidence;
    if acts_otherwise {
        confidence = confidence.min(IMPORT_CONFIDENCE);
    }
    if local.pattern.attempts == 0 {
        // Without outcomes the file may say that it is worth less, never more.
        confidence = confidence.min(pattern.confidence);
    }
    pattern.confidence = confidence;
    pattern.auto_healable = before.auto_healable && !acts_otherwise;
    pattern.require_approval |= before.require_approval;
    pattern.infrastructure |= before.infrastructure;
    pattern.shadow = before.shadow;
    pattern.use_count = local.pattern.use_count;
    pattern.attempts = local.pattern.attempts;
    pattern.status = local.pattern.status;
    pattern.created_at = local.pattern.created_at;
    (Verdict::Updated { disarmed }, Some(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::{PackInfo, PatternStatus, Rule};

    const NOW: Timestamp = Timestamp::from_micros(9);

    fn entry(cause: &str) -> PackEntry {
        PackEntry { rule: Some(Rule::regex("boom")), ..PackEntry::new("Boom", cause) }
    }

    fn stored(change: impl FnOnce(&mut Pattern)) -> Pattern {
        let mut pattern = entry("old").into_pattern("import", Timestamp::EPOCH).expect("valid");
        change(&mut pattern);
        pattern
    }

    fn run(local: &Pattern, incoming: PackEntry, replace: bool) -> (Verdict, Option<Pattern>) {
        let digest = content_digest(&entry("old"));
        weigh(Some(Local { pattern: local, imported: Some(&digest) }), incoming, "import", replace, NOW)
    }

    #[test]
    fn a_file_brings_no_trust() {
        let mut trusted = PackEntry { confidence: BasisPoints::ONE, auto_healable: true, ..entry("x") };
        assert!(lower_trust(&mut trusted));
        assert_eq!((trusted.confidence, trusted.auto_healable), (IMPORT_CONFIDENCE, false));
        assert!(!lower_trust(&mut trusted), "nothing more to take");
        let (verdict, pattern) = weigh(None, trusted, "import", false, NOW);
        assert_eq!(verdict, Verdict::Added);
        assert_eq!(pattern.map(|p| (p.use_count, p.attempts, p.auto_healable)), Some((0, 0, false)));
    }

    #[test]
    fn what_was_not_touched_follows_its_file() {
        let local = stored(|_| {});
        assert_eq!(run(&local, entry("old"), false), (Verdict::Unchanged, None));
        let (verdict, pattern) = run(&local, entry("new"), false);
        assert_eq!(verdict, Verdict::Updated { disarmed: false });
        assert_eq!(pattern.map(|p| p.root_cause), Some("new".into()));
        let stricter = PackEntry { require_approval: true, ..entry("old") };
        assert!(run(&local, stricter, false).1.is_some_and(|p| p.require_approval));
        let marked = stored(|p| p.require_approval = true);
        assert_eq!(run(&marked, entry("old"), false).0, Verdict::Unchanged, "a mark is not taken away");
        assert!(run(&marked, entry("new"), false).1.is_some_and(|p| p.require_approval));
    }

    #[test]
    fn an_id_that_another_name_has_is_not_taken_over_even_where_it_is_to_be_replaced() {
        let local = stored(|_| {});
        for name in ["Boom!!!", "boom", "  -- Boom"] {
            let other = PackEntry { name: name.into(), ..entry("new") };
            assert_eq!(run(&local, other, true), (Verdict::Taken, None), "{name}");
        }
        let pack = |version: &str| PackInfo { name: "ours".into(), version: version.into(), licence: None, url: None };
        let local = stored(|p| p.provenance.pack = Some(pack("1")));
        let respelled = PackEntry { name: "boom".into(), pack: Some(pack("2")), ..entry("old") };
        assert_ne!(run(&local, respelled, false).0, Verdict::Taken, "a pack may spell its own anew");
    }

    #[test]
    fn what_is_ones_own_is_kept_unless_it_is_replaced() {
        let edited = stored(|p| p.root_cause = "mine".into());
        let proven = stored(|p| {
            (p.use_count, p.attempts, p.confidence, p.auto_healable) = (4, 5, BasisPoints::saturating(7_500), true);
            p.status = PatternStatus::Disabled;
        });
        for local in [&edited, &proven] {
            assert!(matches!(run(local, entry("new"), false), (Verdict::Kept { .. }, None)), "{local:?}");
        }
        let (verdict, pattern) = run(&proven, PackEntry { confidence: BasisPoints::ZERO, ..entry("new") }, true);
        let pattern = pattern.expect("replaced");
        assert_eq!(verdict, Verdict::Updated { disarmed: false });
        assert_eq!(
            (pattern.root_cause.as_str(), pattern.use_count, pattern.attempts, pattern.confidence.get()),
            ("new", 4, 5, 7_500)
        );
        assert_eq!((pattern.auto_healable, pattern.status), (true, PatternStatus::Disabled), "only its texts changed");
    }

    #[test]
    fn what_acts_otherwise_than_before_may_not_act_by_itself() {
        let proven =
            stored(|p| (p.attempts, p.confidence, p.auto_healable) = (5, BasisPoints::saturating(9_000), true));
        let wider = PackEntry { rule: Some(Rule::regex(".")), ..entry("old") };
        let (verdict, pattern) = run(&proven, wider, true);
        let pattern = pattern.expect("replaced");
        assert_eq!(verdict, Verdict::Updated { disarmed: true });
        assert_eq!((pattern.auto_healable, pattern.confidence), (false, IMPORT_CONFIDENCE));
    }
}
