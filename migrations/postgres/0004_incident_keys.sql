-- What an incident is found by, so that a signal's incident is found without reading every open one, and the queue's turn
-- without reading every queued one. Incidents from before have no `last_signal_at`: they are given one, and their keys, when
-- the database is opened.

alter table incidents add column last_signal_at bigint;
-- Since when a queued incident is held back by nothing but its turn; null for those that are not queued.
alter table incidents add column ready_at bigint;
create index incidents_by_turn on incidents (severity_rank, onset, id, ready_at) where ready_at is not null;
create index incidents_without_keys on incidents (id) where last_signal_at is null;

create table incident_keys (
    kind text not null,
    value text not null,
    incident_id bigint not null references incidents (id),
    primary key (kind, value, incident_id)
);
create index incident_keys_by_incident on incident_keys (incident_id);

-- What is executing is asked for at every admission.
create index self_healing_events_executing on self_healing_events (id) where status in ('intended', 'running');
