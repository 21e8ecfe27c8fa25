-- What use taught: incidents in which a pattern's rule held, clusters of incidents that nobody knew and the drafts made of
-- them, fixes that people confirmed, and merged patterns.

-- An incident in which a pattern's rule held; once for each, however often it was decided.
create table pattern_hits (
    pattern_id text not null,
    incident_id bigint not null references incidents (id),
    at bigint not null,
    primary key (pattern_id, incident_id)
);
create index pattern_hits_by_incident on pattern_hits (incident_id);
insert into pattern_hits (pattern_id, incident_id, at)
select pattern_id, incident_id, min(started_at) from self_healing_events group by pattern_id, incident_id;

-- Incidents that nobody knew and that say the same. `waiting`, `accepted`, `rejected` or `dropped`: the row outlives its draft, so
-- that what was rejected is not drafted again.
create table draft_clusters (
    id bigint generated always as identity primary key,
    project text not null,
    service text not null,
    kind text not null,
    alert text,
    template text not null,
    pattern_id text not null,
    status text not null,
    incidents bigint not null,
    first_seen bigint not null,
    last_seen bigint not null,
    -- Digest of the draft as it was made: another one means that a person has edited it.
    made text not null,
    notes jsonb not null,
    decided_by text,
    decided_at bigint,
    reason text,
    updated_at bigint not null
);
create index draft_clusters_by_project on draft_clusters (project, kind);
create index draft_clusters_by_pattern on draft_clusters (pattern_id);

-- The incidents of a cluster, with what is kept of each: scrubbed, and redacted with the incident.
create table draft_members (
    incident_id bigint primary key references incidents (id),
    cluster_id bigint not null references draft_clusters (id),
    body jsonb not null
);
create index draft_members_by_cluster on draft_members (cluster_id, incident_id);

-- A person said that this action was the fix. It moves no confidence.
create table confirmed_fixes (
    incident_id bigint primary key references incidents (id),
    -- Null where no pattern had named it.
    pattern_id text,
    action jsonb not null,
    set_by text not null,
    at bigint not null
);
create index confirmed_fixes_by_pattern on confirmed_fixes (pattern_id);

-- One pattern put into another. The bodies are what both were before.
create table pattern_merges (
    id bigint generated always as identity primary key,
    merged text not null,
    into_pattern text not null,
    merged_before jsonb not null,
    into_before jsonb not null,
    -- What the merge made of the second one: what has changed since is not undone blindly.
    into_after jsonb not null,
    set_by text not null,
    at bigint not null,
    undone_at bigint
);
create index pattern_merges_by_merged on pattern_merges (merged);
create index pattern_merges_by_into on pattern_merges (into_pattern);
