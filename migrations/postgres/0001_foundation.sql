-- Times are microseconds since 1970-01-01T00:00:00Z, scores are basis points, JSON is jsonb, except where a hash covers the
-- very text.
-- Numbered and named as in migrations/sqlite; append-only: a released migration is never edited.

create table settings (
    key text primary key,
    value jsonb not null,
    updated_at bigint not null,
    updated_by text not null
);

create table lease (
    name text primary key,
    holder text not null,
    token bigint not null,
    expires_at bigint not null
);

create table api_tokens (
    name text primary key,
    role text not null,
    digest text not null unique,
    created_at bigint not null
);

create table checkpoints (
    source text primary key,
    body jsonb not null,
    updated_at bigint not null
);

create table knowledge_patterns (
    id text primary key,
    name text not null,
    project text,
    service text,
    confidence bigint not null check (confidence between 0 and 10000),
    use_count bigint not null check (use_count >= 0),
    attempts bigint not null check (attempts >= 0),
    auto_healable boolean not null,
    status text not null,
    body jsonb not null,
    created_at bigint not null,
    updated_at bigint not null
);

create table incidents (
    id bigint generated always as identity primary key,
    project text not null,
    service text not null,
    title text not null,
    severity text not null,
    severity_rank bigint not null,
    state text not null,
    onset bigint not null,
    opened_at bigint not null,
    updated_at bigint not null,
    resolved_at bigint,
    wake_at bigint,
    fact_count bigint not null,
    body jsonb not null
);
create index incidents_by_state on incidents (state, severity_rank, onset, id);
create index incidents_by_update on incidents (updated_at desc, id desc);
create index incidents_by_wake on incidents (wake_at) where wake_at is not null;

create table incident_facts (
    incident_id bigint not null references incidents (id),
    seq bigint not null,
    at bigint not null,
    fact text not null,
    body jsonb not null,
    primary key (incident_id, seq)
);

create table signals (
    id bigint generated always as identity primary key,
    incident_id bigint references incidents (id),
    kind text not null,
    source text not null,
    service text not null,
    project text not null,
    severity text not null,
    fingerprint text not null,
    template text not null,
    text text not null,
    attributes jsonb not null,
    trace_id text,
    count bigint not null,
    first_seen bigint not null,
    last_seen bigint not null,
    -- When it was last taken in, by the engine's clock: what verification and recovery go by.
    received_at bigint not null
);
create index signals_by_incident on signals (incident_id);
create index signals_by_fingerprint on signals (fingerprint, last_seen desc);

-- How often a signal was seen, by minute: what sparklines and frequency evidence read.
create table signal_counts (
    signal_id bigint not null references signals (id),
    minute bigint not null,
    count bigint not null,
    primary key (signal_id, minute)
);

create table changes (
    id bigint generated always as identity primary key,
    at bigint not null,
    project text not null,
    service text not null,
    kind text not null,
    version text,
    actor text not null,
    details jsonb not null
);
create index changes_by_service on changes (service, at desc);

-- One action decided, run or refused. `started_at` is the intent: what the limits count.
create table self_healing_events (
    id bigint generated always as identity primary key,
    incident_id bigint not null references incidents (id),
    pattern_id text not null,
    action text not null,
    target text not null,
    plan_hash text not null,
    plan jsonb not null,
    approved_by text,
    decision_confidence bigint not null,
    status text not null,
    started_at bigint not null,
    finished_at bigint,
    detail text
);
create index self_healing_events_by_start on self_healing_events (started_at desc);
create index self_healing_events_by_target on self_healing_events (action, target, started_at desc);

create table confidence_history (
    id bigint generated always as identity primary key,
    pattern_id text not null,
    event_id bigint references self_healing_events (id),
    at bigint not null,
    before bigint not null,
    after bigint not null,
    uses bigint not null,
    reason text not null
);
create index confidence_history_by_pattern on confidence_history (pattern_id, at);

-- Effects that were asked for and not yet done, in the order in which they were asked for.
create table outbox (
    id bigint generated always as identity primary key,
    incident_id bigint not null references incidents (id),
    effect text not null,
    body jsonb not null,
    due_at bigint not null,
    started_at bigint,
    tries bigint not null default 0,
    state jsonb not null default '{}'
);
create index outbox_by_due on outbox (due_at, id);

create table audit_trail (
    id bigint primary key,
    at bigint not null,
    event_type text not null,
    actor text not null,
    incident_id bigint,
    pattern_id text,
    confidence bigint,
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

create function audit_trail_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_trail is append-only';
end
$$;
create trigger audit_trail_is_not_changed before update or delete on audit_trail
    for each row execute function audit_trail_is_append_only();
create trigger audit_trail_is_not_emptied before truncate on audit_trail
    for each statement execute function audit_trail_is_append_only();
