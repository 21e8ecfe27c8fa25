-- Signed checkpoints over the audit trail: what it was, and when. The keys that sign are not in here.

create table audit_checkpoints (
    entry_id bigint not null,
    entry_hash text not null,
    entries bigint not null,
    at bigint not null,
    key_id text not null,
    signature text not null,
    primary key (entry_id, key_id)
);
create index audit_trail_by_event on audit_trail (event_type, id);

create function audit_checkpoints_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_checkpoints is append-only';
end
$$;
create trigger audit_checkpoints_are_not_changed before update or delete on audit_checkpoints
    for each row execute function audit_checkpoints_is_append_only();
create trigger audit_checkpoints_are_not_emptied before truncate on audit_checkpoints
    for each statement execute function audit_checkpoints_is_append_only();
