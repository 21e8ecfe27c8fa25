-- Times are microseconds since 1970-01-01T00:00:00Z, scores are basis points, JSON is text.
-- Numbered and named as in migrations/postgres; append-only: a released migration is never edited.

create table settings (
    key text primary key,
    value text not null,
    updated_at integer not null,
    updated_by text not null
);

create table lease (
    name text primary key,
    holder text not null,
    token integer not null,
    expires_at integer not null
);

create table api_tokens (
    name text primary key,
    role text not null,
    digest text not null unique,
    created_at integer not null
);

create table checkpoints (
    source text primary key,
    body text not null,
    updated_at integer not null
);

create table knowledge_patterns (
    id text primary key,
    name text not null,
    project text,
    service text,
    confidence integer not null check (confidence between 0 and 10000),
    use_count integer not null check (use_count >= 0),
    attempts integer not null check (attempts >= 0),
    auto_healable boolean not null,
    status text not null,
    body text not null,
    created_at integer not null,
    updated_at integer not null
);

create table incidents (
    id integer primary key autoincrement,
    project text not null,
    service text not null,
    title text not null,
    severity text not null,
    severity_rank integer not null,
    state text not null,
    onset integer not null,
    opened_at integer not null,
    updated_at integer not null,
    resolved_at integer,
    wake_at integer,
    fact_count integer not null,
    body text not null
);
create index incidents_by_state on incidents (state, severity_rank, onset, id);
create index incidents_by_update on incidents (updated_at desc, id desc);
create index incidents_by_wake on incidents (wake_at) where wake_at is not null;

create table incident_facts (
    incident_id integer not null references incidents (id),
    seq integer not null,
    at integer not null,
    fact text not null,
    body text not null,
    primary key (incident_id, seq)
);

create table signals (
    id integer primary key autoincrement,
    incident_id integer references incidents (id),
    kind text not null,
    source text not null,
    service text not null,
    project text not null,
    severity text not null,
    fingerprint text not null,
    template text not null,
    text text not null,
    attributes text not null,
    trace_id text,
    count integer not null,
    first_seen integer not null,
    last_seen integer not null,
    -- When it was last taken in, by the engine's clock: what verification and recovery go by.
    received_at integer not null
);
create index signals_by_incident on signals (incident_id);
create index signals_by_fingerprint on signals (fingerprint, last_seen desc);

-- How often a signal was seen, by minute: what sparklines and frequency evidence read.
create table signal_counts (
    signal_id integer not null references signals (id),
    minute integer not null,
    count integer not null,
    primary key (signal_id, minute)
);

create table changes (
    id integer primary key autoincrement,
    at integer not null,
    project text not null,
    service text not null,
    kind text not null,
    version text,
    actor text not null,
    details text not null
);
create index changes_by_service on changes (service, at desc);

-- One action decided, run or refused. `started_at` is the intent: what the limits count.
create table self_healing_events (
    id integer primary key autoincrement,
    incident_id integer not null references incidents (id),
    pattern_id text not null,
    action text not null,
    target text not null,
    plan_hash text not null,
    plan text not null,
    approved_by text,
    decision_confidence integer not null,
    status text not null,
    started_at integer not null,
    finished_at integer,
    detail text
);
create index self_healing_events_by_start on self_healing_events (started_at desc);
create index self_healing_events_by_target on self_healing_events (action, target, started_at desc);

create table confidence_history (
    id integer primary key autoincrement,
    pattern_id text not null,
    event_id integer references self_healing_events (id),
    at integer not null,
    before integer not null,
    after integer not null,
    uses integer not null,
    reason text not null
);
create index confidence_history_by_pattern on confidence_history (pattern_id, at);

-- Effects that were asked for and not yet done, in the order in which they were asked for.
create table outbox (
    id integer primary key autoincrement,
    incident_id integer not null references incidents (id),
    effect text not null,
    body text not null,
    due_at integer not null,
    started_at integer,
    tries integer not null default 0,
    state text not null default '{}'
);
create index outbox_by_due on outbox (due_at, id);

create table audit_trail (
    id integer primary key,
    at integer not null,
    event_type text not null,
    actor text not null,
    incident_id integer,
    pattern_id text,
    confidence integer,
    action text,
    target text,
    result text not null,
    controls text not null,
    details text not null,
    evidence_digest text not null,
    prev_hash text not null,
    hash text not null unique
);
create index audit_trail_by_incident on audit_trail (incident_id, id);

create trigger audit_trail_is_not_edited before update on audit_trail
begin
    select raise(abort, 'audit_trail is append-only');
end;
create trigger audit_trail_is_not_shortened before delete on audit_trail
begin
    select raise(abort, 'audit_trail is append-only');
end;
