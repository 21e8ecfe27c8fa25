//! Step 5, admit: gates 1 to 10 as one pure function of a snapshot, in the order in which a person would ask.
//!
//! The first refusal decides what happens; the later gates are evaluated all the same, so that a person sees
//! everything that stands in the way. A gate that cannot be evaluated refuses. Gate 11 is the intent that the store
//! writes in the transaction that read the counts; gate 12 is the executor's look at the switch before each step.

use serde::{Deserialize, Serialize};

use crate::{EventId, IncidentId, PatternId, PlanHash, Preflight, Span, Timestamp};

/// The automation switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Posture {
    /// Nothing runs.
    Paused,
    /// Only what a person approved runs.
    Observe,
    /// Selfheal heals by itself.
    On,
}

impl Posture {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Observe => "observe",
            Self::On => "on",
        }
    }

    /// What it means for an action, in a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Paused => "Automation is paused.",
            Self::Observe => "Automation is observe only: nothing runs without approval.",
            Self::On => "Automation is on.",
        }
    }

    /// Whether this posture lets an action through.
    pub const fn lets(self, approved: bool) -> bool {
        match self {
            Self::On => true,
            Self::Observe => approved,
            Self::Paused => false,
        }
    }
}

/// A person's approval of one plan, and a second person's where policy asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub by: String,
    /// The human being behind `by`, which may be one of several tokens. Approvals of before are without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    pub at: Timestamp,
    pub plan_hash: PlanHash,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<SecondApproval>,
    /// How many different people policy asked for when it was given: 1 or 2.
    #[serde(default = "one")]
    pub needed: u32,
}

/// The word of another person than the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondApproval {
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    pub at: Timestamp,
}

const fn one() -> u32 {
    1
}

impl Approval {
    /// How many different people have approved: persons, whatever tokens they used.
    pub fn given(&self) -> u32 {
        let another = |second: &SecondApproval| !self.is_of(&second.by, second.person.as_deref());
        1 + u32::from(self.second.as_ref().is_some_and(another))
    }

    /// Whether the first word is this person's.
    pub fn is_of(&self, by: &str, person: Option<&str>) -> bool {
        person_key(&self.by, self.person.as_deref()) == person_key(by, person)
    }

    pub fn is_complete(&self) -> bool {
        self.given() >= self.needed
    }

    /// Who approved, for people.
    pub fn people(&self) -> String {
        match &self.second {
            Some(second) => format!("{} and {}", self.by, second.by),
            None => self.by.clone(),
        }
    }
}

/// What persons are compared by. In doubt two names are one person, which asks for one more approval and never for one
/// less: case and surrounding space do not count, and where no person is on record a token's name is its person.
fn person_key(by: &str, person: Option<&str>) -> String {
    let name =
        person.filter(|person| !person.trim().is_empty()).unwrap_or_else(|| by.strip_prefix("token:").unwrap_or(by));
    name.trim().to_lowercase()
}

/// Numbers of the configuration that the gates compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLimits {
    pub max_actions_per_hour: u32,
    pub cooldown: Span,
    pub max_attempts: u32,
    pub preflight_max_age: Span,
}

/// The window of the hourly limit.
pub const HOUR: Span = Span::from_minutes(60);

/// How far back two patterns that take turns on one target are looked for. A cooldown lies between the turns.
pub const PING_PONG: Span = Span::from_minutes(120);

/// The circuit breaker of a target's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Breaker {
    Closed,
    Open { until: Timestamp },
}

/// Everything that admission depends on. `None` means "could not be found out", which refuses.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub now: Timestamp,
    pub limits: GateLimits,
    pub plan_hash: PlanHash,
    /// 1: the lower of the automation switch and the configuration's ceiling.
    pub posture: Option<Posture>,
    /// 2: the end of the maintenance window that holds the target; the inner `None` where none does.
    pub maintenance: Option<Option<Timestamp>>,
    /// 3: whether the inventory says that the target is managed.
    pub managed: Option<bool>,
    /// 4: and how many different people have to approve.
    pub approval_required: bool,
    pub approvers_needed: u32,
    pub approval: Option<Approval>,
    /// 5: attempts of this pattern in this incident so far.
    pub attempts: Option<u32>,
    /// 5: the pattern, and the patterns of the last starts on this target within [`PING_PONG`], earliest first.
    pub pattern: PatternId,
    pub on_target: Option<Vec<PatternId>>,
    /// 6.
    pub breaker: Option<Breaker>,
    /// 7: when this action last started on this target; the inner `None` where it never did.
    pub last_identical_start: Option<Option<Timestamp>>,
    /// 8: the starts that count, any order.
    pub starts: Option<Vec<Timestamp>>,
    /// 9: the action that is executing, and a queued incident that goes first.
    pub executing: Option<Option<EventId>>,
    pub ahead: Option<IncidentId>,
    /// 10.
    pub preflight: Option<Preflight>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    Automation,
    Maintenance,
    Managed,
    Approval,
    Attempts,
    CircuitBreaker,
    Cooldown,
    HourlyLimit,
    OneAtATime,
    Preflight,
    Intent,
    AutomationBeforeStep,
}

impl Gate {
    pub const fn number(self) -> u32 {
        self as u32 + 1
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Automation => "automation",
            Self::Maintenance => "maintenance",
            Self::Managed => "managed",
            Self::Approval => "approval",
            Self::Attempts => "attempts",
            Self::CircuitBreaker => "circuit_breaker",
            Self::Cooldown => "cooldown",
            Self::HourlyLimit => "hourly_limit",
            Self::OneAtATime => "one_at_a_time",
            Self::Preflight => "preflight",
            Self::Intent => "intent",
            Self::AutomationBeforeStep => "automation_before_step",
        }
    }

    /// What a refusal of this gate leads to.
    pub const fn consequence(self) -> Consequence {
        match self {
            Self::Automation | Self::AutomationBeforeStep => Consequence::Hold,
            Self::Maintenance | Self::CircuitBreaker => Consequence::Wait,
            Self::Managed | Self::Attempts | Self::Preflight => Consequence::Escalate,
            Self::Approval => Consequence::AwaitApproval,
            Self::Cooldown | Self::HourlyLimit | Self::OneAtATime => Consequence::Queue,
            Self::Intent => Consequence::StopActing,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    Hold,
    Wait,
    Escalate,
    AwaitApproval,
    Queue,
    StopActing,
}

/// What one gate found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateResult {
    pub gate: Gate,
    pub passed: bool,
    pub reason: String,
    /// When time alone frees the gate.
    pub until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Gates 1 to 10, in order.
    pub gates: Vec<GateResult>,
}

impl Admission {
    /// The first gate that refused, which decides what happens.
    pub fn refusal(&self) -> Option<&GateResult> {
        self.gates.iter().find(|result| !result.passed)
    }

    pub fn admitted(&self) -> bool {
        self.refusal().is_none()
    }
}

/// Evaluates gates 1 to 10.
pub fn admit(snapshot: &Snapshot) -> Admission {
    let gates = vec![
        automation(snapshot),
        maintenance(snapshot),
        managed(snapshot),
        approval(snapshot),
        attempts(snapshot),
        circuit_breaker(snapshot),
        cooldown(snapshot),
        hourly_limit(snapshot),
        one_at_a_time(snapshot),
        preflight(snapshot),
    ];
    Admission { gates }
}

fn passed(gate: Gate, reason: impl Into<String>) -> GateResult {
    GateResult { gate, passed: true, reason: reason.into(), until: None }
}

fn refused(gate: Gate, reason: impl Into<String>, until: Option<Timestamp>) -> GateResult {
    GateResult { gate, passed: false, reason: reason.into(), until }
}

fn unknown(gate: Gate) -> GateResult {
    refused(gate, "This could not be found out, so nothing runs.", None)
}

/// An approval of this very plan, by as many people as it takes, that has not expired.
fn valid_approval(s: &Snapshot) -> Option<&Approval> {
    s.approval.as_ref().filter(|approval| {
        approval.plan_hash == s.plan_hash && s.now < approval.expires_at && approval.given() >= s.approvers_needed
    })
}

fn automation(s: &Snapshot) -> GateResult {
    let gate = Gate::Automation;
    match s.posture {
        None => unknown(gate),
        Some(posture) if posture.lets(valid_approval(s).is_some()) => {
            passed(gate, format!("Automation is {}.", posture.as_str()))
        }
        Some(posture) => refused(gate, posture.words(), None),
    }
}

fn maintenance(s: &Snapshot) -> GateResult {
    let gate = Gate::Maintenance;
    match s.maintenance {
        None => unknown(gate),
        Some(Some(until)) if s.now < until => refused(gate, "A maintenance window holds the target.", Some(until)),
        Some(_) => passed(gate, "No maintenance window holds the target."),
    }
}

fn managed(s: &Snapshot) -> GateResult {
    let gate = Gate::Managed;
    match s.managed {
        None => unknown(gate),
        Some(true) => passed(gate, "The service is managed."),
        Some(false) => {
            refused(gate, "The service is not managed: set `managed: true` in the inventory to allow actions.", None)
        }
    }
}

fn approval(s: &Snapshot) -> GateResult {
    let gate = Gate::Approval;
    if let Some(approval) = valid_approval(s) {
        return passed(gate, format!("{} approved this plan.", approval.people()));
    }
    if !s.approval_required {
        return passed(gate, "No approval is required.");
    }
    match &s.approval {
        None if s.approvers_needed > 1 => refused(gate, "Two people have to approve this plan.", None),
        None => refused(gate, "A person has to approve this plan.", None),
        Some(approval) if approval.plan_hash != s.plan_hash => {
            refused(gate, "The approval is for another plan: the situation changed since.", None)
        }
        Some(approval) if s.now >= approval.expires_at => refused(gate, "The approval has expired.", None),
        Some(approval) => {
            refused(gate, format!("{} approved this plan; another person has to approve it too.", approval.by), None)
        }
    }
}

fn attempts(s: &Snapshot) -> GateResult {
    let (gate, max) = (Gate::Attempts, s.limits.max_attempts);
    let Some(on_target) = &s.on_target else { return unknown(gate) };
    if let Some(other) = takes_turns(&s.pattern, on_target) {
        return refused(
            gate,
            format!("{} and {other} take turns on this target, each after the other: a person takes over.", s.pattern),
            None,
        );
    }
    match s.attempts {
        None => unknown(gate),
        Some(count) if count < max => passed(gate, format!("{count} of {max} attempts made in this incident.")),
        Some(count) => {
            refused(gate, format!("{count} of {max} attempts made in this incident: a person takes over."), None)
        }
    }
}

/// The other pattern, where this one would be the fourth of a series that goes to and fro between the two. Two different
/// fixes in a row are a second opinion; two that answer each other in turn undo each other's work.
fn takes_turns<'a>(pattern: &PatternId, earlier: &'a [PatternId]) -> Option<&'a PatternId> {
    match earlier {
        [.., first, second, third] if first == third && first != second && second == pattern => Some(third),
        _ => None,
    }
}

fn circuit_breaker(s: &Snapshot) -> GateResult {
    let gate = Gate::CircuitBreaker;
    match s.breaker {
        None => unknown(gate),
        Some(Breaker::Open { until }) if s.now < until => {
            refused(gate, "The connection to the target failed repeatedly and is given a rest.", Some(until))
        }
        Some(Breaker::Open { .. }) => passed(gate, "The connection to the target is tried again."),
        Some(Breaker::Closed) => passed(gate, "The connection to the target works."),
    }
}

fn cooldown(s: &Snapshot) -> GateResult {
    let (gate, cooldown) = (Gate::Cooldown, s.limits.cooldown);
    match s.last_identical_start {
        None => unknown(gate),
        Some(_) if cooldown == Span::ZERO => passed(gate, "No cooldown is configured."),
        Some(Some(start)) if s.now < start + cooldown => refused(
            gate,
            format!("The same action started on this target less than {cooldown} ago."),
            Some(start + cooldown),
        ),
        Some(_) => passed(gate, format!("Not run on this target in the last {cooldown}.")),
    }
}

fn hourly_limit(s: &Snapshot) -> GateResult {
    let (gate, max) = (Gate::HourlyLimit, s.limits.max_actions_per_hour as usize);
    let Some(starts) = &s.starts else { return unknown(gate) };
    // A start counts while `start > now - 60:00.000`.
    let mut counted: Vec<Timestamp> = starts.iter().copied().filter(|start| *start > s.now - HOUR).collect();
    if counted.len() < max {
        return passed(gate, format!("{} of {max} actions started in the last 60 minutes.", counted.len()));
    }
    counted.sort_unstable();
    // The slot frees when enough of the oldest have left the window.
    let until = counted.get(counted.len() - max).map(|start| *start + HOUR);
    refused(gate, format!("{} of {max} actions started in the last 60 minutes.", counted.len()), until)
}

fn one_at_a_time(s: &Snapshot) -> GateResult {
    let gate = Gate::OneAtATime;
    match (s.executing, s.ahead) {
        (None, _) => unknown(gate),
        (Some(Some(event)), _) => refused(gate, format!("Action {event} is executing: one at a time."), None),
        (Some(None), Some(incident)) => refused(gate, format!("Incident {incident} goes first."), None),
        (Some(None), None) => passed(gate, "Nothing else is executing."),
    }
}

fn preflight(s: &Snapshot) -> GateResult {
    let gate = Gate::Preflight;
    let Some(report) = &s.preflight else { return unknown(gate) };
    if report.at + s.limits.preflight_max_age < s.now {
        return refused(gate, format!("The preflight report is older than {}.", s.limits.preflight_max_age), None);
    }
    match report.blockers.first() {
        None => passed(gate, format!("The target is there: {}.", report.state_now)),
        Some(_) => {
            let texts: Vec<&str> = report.blockers.iter().map(|blocker| blocker.text.as_str()).collect();
            refused(gate, texts.join(" "), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Blocker;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn hash() -> PlanHash {
        PlanHash("plan".into())
    }

    fn approval_until(expires_at: Timestamp) -> Approval {
        Approval { by: "ada".into(), person: None, at: NOW, plan_hash: hash(), expires_at, second: None, needed: 1 }
    }

    fn seconded(by: &str) -> Option<Approval> {
        let second = SecondApproval { by: by.into(), person: None, at: NOW };
        Some(Approval { second: Some(second), ..approval_until(NOW + Span::from_secs(1)) })
    }

    #[test]
    fn two_tokens_of_one_person_are_one_approver() {
        for (first, second, given) in [
            (("token:ada", None), ("token:bob", None), 2),
            (("token:ada-laptop", Some("ada")), ("token:ada-phone", Some("ada")), 1),
            (("token:ada-laptop", Some("ada")), ("token:bob", Some("bob")), 2),
            (("token:a", Some("Ada")), ("token:b", Some(" ada ")), 1),
            (("token:a", Some("ADÈLE")), ("token:b", Some("adèle")), 1),
            (("ada", None), ("token:ada", None), 1),
            (("ada", Some("ada")), ("token:ada-phone", Some("ada")), 1),
            (("token:ada", None), ("token:x", Some("ada")), 1),
            (("token:ada", Some("")), ("token:ada", Some("bob")), 2),
        ] {
            let owned = |person: Option<&str>| person.map(str::to_owned);
            let approval = Approval {
                by: first.0.into(),
                person: owned(first.1),
                second: Some(SecondApproval { by: second.0.into(), person: owned(second.1), at: NOW }),
                needed: 2,
                ..approval_until(NOW)
            };
            assert_eq!(approval.given(), given, "{first:?} and {second:?}");
        }
    }

    fn patterns(ids: &[&str]) -> Option<Vec<PatternId>> {
        Some(ids.iter().map(|id| PatternId::new(*id)).collect())
    }

    /// A snapshot that passes every gate.
    fn open() -> Snapshot {
        Snapshot {
            now: NOW,
            limits: GateLimits {
                max_actions_per_hour: 5,
                cooldown: Span::from_minutes(10),
                max_attempts: 3,
                preflight_max_age: Span::from_secs(30),
            },
            plan_hash: hash(),
            posture: Some(Posture::On),
            maintenance: Some(None),
            managed: Some(true),
            approval_required: false,
            approvers_needed: 1,
            approval: None,
            attempts: Some(0),
            pattern: PatternId::new("a"),
            on_target: Some(vec![]),
            breaker: Some(Breaker::Closed),
            last_identical_start: Some(None),
            starts: Some(vec![]),
            executing: Some(None),
            ahead: None,
            preflight: Some(Preflight {
                at: NOW,
                state_now: "stopped".into(),
                host: "here".into(),
                steps: vec![],
                undo: crate::WayBack::Nothing,
                instances: 1,
                blockers: vec![],
            }),
        }
    }

    type Change = fn(&mut Snapshot);

    #[test]
    fn each_gate_refuses_for_its_reason_and_at_its_edge() {
        const MICRO: i64 = 1;
        let just = |at: Timestamp, micros: i64| Timestamp::from_micros(at.as_micros() + micros);
        let cases: Vec<(&str, Change, Option<Gate>)> = vec![
            ("everything open", |_| {}, None),
            ("paused", |s| s.posture = Some(Posture::Paused), Some(Gate::Automation)),
            ("observe", |s| s.posture = Some(Posture::Observe), Some(Gate::Automation)),
            (
                "observe, approved",
                |s| {
                    s.posture = Some(Posture::Observe);
                    s.approval = Some(approval_until(NOW + Span::from_secs(1)));
                },
                None,
            ),
            (
                "paused, approved",
                |s| {
                    s.posture = Some(Posture::Paused);
                    s.approval = Some(approval_until(NOW + Span::from_secs(1)));
                },
                Some(Gate::Automation),
            ),
            ("maintenance", |s| s.maintenance = Some(Some(NOW + Span::from_secs(1))), Some(Gate::Maintenance)),
            ("maintenance just over", |s| s.maintenance = Some(Some(NOW)), None),
            ("not managed", |s| s.managed = Some(false), Some(Gate::Managed)),
            ("no approval", |s| s.approval_required = true, Some(Gate::Approval)),
            (
                "approval expires now",
                |s| {
                    s.approval_required = true;
                    s.approval = Some(approval_until(NOW));
                },
                Some(Gate::Approval),
            ),
            (
                "approval of another plan",
                |s| {
                    s.approval_required = true;
                    s.approval = Some(Approval {
                        plan_hash: PlanHash("other".into()),
                        ..approval_until(NOW + Span::from_secs(1))
                    });
                },
                Some(Gate::Approval),
            ),
            (
                "one of two approvers",
                |s| {
                    s.approval_required = true;
                    s.approvers_needed = 2;
                    s.approval = Some(approval_until(NOW + Span::from_secs(1)));
                },
                Some(Gate::Approval),
            ),
            (
                "the same person twice",
                |s| {
                    s.approval_required = true;
                    s.approvers_needed = 2;
                    s.approval = seconded("ada");
                },
                Some(Gate::Approval),
            ),
            (
                "two people",
                |s| {
                    s.approval_required = true;
                    s.approvers_needed = 2;
                    s.approval = seconded("bob");
                },
                None,
            ),
            (
                "observe, one of two approvers",
                |s| {
                    s.posture = Some(Posture::Observe);
                    s.approvers_needed = 2;
                    s.approval = Some(approval_until(NOW + Span::from_secs(1)));
                },
                Some(Gate::Automation),
            ),
            ("to and fro", |s| s.on_target = patterns(&["b", "a", "b"]), Some(Gate::Attempts)),
            ("to and fro after others", |s| s.on_target = patterns(&["c", "b", "a", "b"]), Some(Gate::Attempts)),
            ("a second opinion", |s| s.on_target = patterns(&["b", "b", "b"]), None),
            ("back once", |s| s.on_target = patterns(&["a", "b"]), None),
            ("three in turn", |s| s.on_target = patterns(&["a", "b", "a"]), None),
            ("two attempts", |s| s.attempts = Some(2), None),
            ("three attempts", |s| s.attempts = Some(3), Some(Gate::Attempts)),
            (
                "breaker open",
                |s| s.breaker = Some(Breaker::Open { until: NOW + Span::from_secs(1) }),
                Some(Gate::CircuitBreaker),
            ),
            ("breaker half open", |s| s.breaker = Some(Breaker::Open { until: NOW }), None),
            (
                "cooldown over at exactly ten minutes",
                |s| s.last_identical_start = Some(Some(NOW - Span::from_minutes(10))),
                None,
            ),
            ("four in the hour", |s| s.starts = Some(vec![NOW; 4]), None),
            ("five in the hour", |s| s.starts = Some(vec![NOW; 5]), Some(Gate::HourlyLimit)),
            (
                "five, the oldest exactly an hour ago",
                |s| {
                    s.starts = Some(vec![NOW - HOUR, NOW, NOW, NOW, NOW]);
                },
                None,
            ),
            ("executing", |s| s.executing = Some(Some(EventId(1))), Some(Gate::OneAtATime)),
            ("another goes first", |s| s.ahead = Some(IncidentId(1)), Some(Gate::OneAtATime)),
            (
                "a blocker",
                |s| {
                    if let Some(report) = &mut s.preflight {
                        report.blockers.push(Blocker { code: "gone".into(), text: "Gone.".into() });
                    }
                },
                Some(Gate::Preflight),
            ),
        ];
        for (name, change, gate) in cases {
            let mut snapshot = open();
            change(&mut snapshot);
            let admission = admit(&snapshot);
            assert_eq!(admission.refusal().map(|refusal| refusal.gate), gate, "{name}");
            assert_eq!(admission.gates.len(), 10);
        }
        // One microsecond on the other side of each edge in time.
        let mut late = open();
        late.last_identical_start = Some(Some(just(NOW - Span::from_minutes(10), MICRO)));
        assert_eq!(admit(&late).refusal().map(|r| (r.gate, r.until)), Some((Gate::Cooldown, Some(just(NOW, MICRO)))));
        let mut full = open();
        full.starts = Some(vec![just(NOW - HOUR, MICRO), NOW, NOW, NOW, NOW]);
        assert_eq!(
            admit(&full).refusal().map(|r| (r.gate, r.until)),
            Some((Gate::HourlyLimit, Some(just(NOW, MICRO))))
        );
        let mut old = open();
        if let Some(report) = &mut old.preflight {
            report.at = just(NOW - Span::from_secs(30), -MICRO);
        }
        assert_eq!(admit(&old).refusal().map(|r| r.gate), Some(Gate::Preflight));
    }

    #[test]
    fn what_cannot_be_found_out_refuses() {
        let changes: [(Change, Gate); 10] = [
            (|s| s.posture = None, Gate::Automation),
            (|s| s.maintenance = None, Gate::Maintenance),
            (|s| s.managed = None, Gate::Managed),
            (|s| s.attempts = None, Gate::Attempts),
            (|s| s.on_target = None, Gate::Attempts),
            (|s| s.breaker = None, Gate::CircuitBreaker),
            (|s| s.last_identical_start = None, Gate::Cooldown),
            (|s| s.starts = None, Gate::HourlyLimit),
            (|s| s.executing = None, Gate::OneAtATime),
            (|s| s.preflight = None, Gate::Preflight),
        ];
        for (change, gate) in changes {
            let mut snapshot = open();
            change(&mut snapshot);
            assert_eq!(admit(&snapshot).refusal().map(|r| r.gate), Some(gate));
        }
    }

    #[test]
    fn gates_stand_in_their_order() {
        let admission = admit(&open());
        let numbers: Vec<u32> = admission.gates.iter().map(|result| result.gate.number()).collect();
        assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    }

    proptest! {
        /// However starts are spread, at most `max` of them lie in any window of an hour when each was admitted.
        #[test]
        fn no_interleaving_exceeds_the_hourly_limit(gaps in proptest::collection::vec(0u64..1_800, 1..60), max in 1u32..7) {
            let (mut now, mut starts) = (NOW, Vec::new());
            for gap in gaps {
                now = now + Span::from_secs(gap);
                let mut snapshot = open();
                snapshot.now = now;
                snapshot.limits.max_actions_per_hour = max;
                snapshot.starts = Some(starts.clone());
                if let Some(report) = &mut snapshot.preflight {
                    report.at = now;
                }
                let admission = admit(&snapshot);
                match admission.refusal() {
                    None => starts.push(now),
                    // The time given is when the slot frees: admitted then, refused a microsecond earlier.
                    Some(refusal) => {
                        let until = refusal.until.expect("time frees this gate");
                        let at = |now| admit(&Snapshot { now, preflight: snapshot.preflight.clone().map(|r| Preflight { at: now, ..r }), ..snapshot.clone() });
                        prop_assert!(at(until).admitted());
                        prop_assert!(!at(Timestamp::from_micros(until.as_micros() - 1)).admitted());
                    }
                }
                let window = starts.iter().filter(|start| **start > now - HOUR).count();
                prop_assert!(window <= max as usize);
            }
        }
    }
}
