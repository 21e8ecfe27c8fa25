-- Connections whose calls failed lately: the circuit breakers, which every engine of the database shares.
create table connections (
    name text primary key,
    health text not null,
    updated_at integer not null
);

-- Maintenance that a person announced, beside the windows of the configuration.
create table maintenance (
    id integer primary key autoincrement,
    service text,
    starts_at integer not null,
    ends_at integer not null,
    reason text,
    set_by text not null,
    set_at integer not null
);
create index maintenance_by_end on maintenance (ends_at);

-- How often a pattern was right and wrong for one kind of incident: what people's rejections teach.
create table relevance_evidence (
    pattern_id text not null,
    fingerprint text not null,
    confirmed integer not null,
    rejected integer not null,
    updated_at integer not null,
    primary key (pattern_id, fingerprint)
);

-- What would have been done, had it been allowed, and whether a person then did the same.
create table shadow_decisions (
    incident_id integer not null references incidents (id),
    pattern_id text not null,
    action text not null,
    target text not null,
    at integer not null,
    agreed boolean,
    settled_at integer,
    primary key (incident_id, pattern_id)
);
create index shadow_decisions_by_pattern on shadow_decisions (pattern_id);
