-- Evidence beside the text: how often a failure is seen, what changed before it, and what confirmed causes taught.

-- The action of ours that made the change; null for those that people and pipelines tell of.
alter table changes add column event_id bigint references self_healing_events (id);
alter table changes add column comment text;
create index changes_by_time on changes (at desc, id desc);

-- How often a template was seen, older sights counting less (`hour` is when they count as they are stored, in hours since
-- 1970; `weighted` is in millionths). The row without a fingerprint says since when the service is known.
create table template_baselines (
    project text not null,
    service text not null,
    fingerprint text not null,
    first_seen bigint not null,
    hour bigint not null,
    weighted bigint not null,
    primary key (project, service, fingerprint)
);
create index template_baselines_by_hour on template_baselines (hour);

-- One row for each incident whose cause is confirmed: what the counts below are sums of.
create table confirmed_causes (
    incident_id bigint primary key references incidents (id),
    pattern_id text not null,
    project text not null,
    service text not null,
    hour bigint not null,
    change bigint not null,
    sequences jsonb not null,
    at bigint not null
);
create index confirmed_causes_by_pattern on confirmed_causes (pattern_id);

-- In each of these the rows without a pattern are the sums over all patterns.
create table cause_counts (
    pattern_id text not null,
    project text not null,
    service text not null,
    count bigint not null,
    primary key (pattern_id, project, service)
);
create table cause_changes (
    pattern_id text primary key,
    strength bigint not null
);
create table cause_sequences (
    pattern_id text not null,
    sequence text not null,
    count bigint not null,
    primary key (pattern_id, sequence)
);
create table cause_hours (
    pattern_id text not null,
    hour bigint not null,
    count bigint not null,
    primary key (pattern_id, hour)
);
