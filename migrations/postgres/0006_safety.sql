-- Connections whose calls failed lately: the circuit breakers, which every engine of the database shares.
create table connections (
    name text primary key,
    health jsonb not null,
    updated_at bigint not null
);

-- Maintenance that a person announced, beside the windows of the configuration.
create table maintenance (
    id bigint generated always as identity primary key,
    service text,
    starts_at bigint not null,
    ends_at bigint not null,
    reason text,
    set_by text not null,
    set_at bigint not null
);
create index maintenance_by_end on maintenance (ends_at);

-- How often a pattern was right and wrong for one kind of incident: what people's rejections teach.
create table relevance_evidence (
    pattern_id text not null,
    fingerprint text not null,
    confirmed bigint not null,
    rejected bigint not null,
    updated_at bigint not null,
    primary key (pattern_id, fingerprint)
);

-- What would have been done, had it been allowed, and whether a person then did the same.
create table shadow_decisions (
    incident_id bigint not null references incidents (id),
    pattern_id text not null,
    action text not null,
    target text not null,
    at bigint not null,
    agreed boolean,
    settled_at bigint,
    primary key (incident_id, pattern_id)
);
create index shadow_decisions_by_pattern on shadow_decisions (pattern_id);
