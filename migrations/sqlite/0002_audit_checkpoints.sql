-- Signed checkpoints over the audit trail: what it was, and when. The keys that sign are not in here.

create table audit_checkpoints (
    entry_id integer not null,
    entry_hash text not null,
    entries integer not null,
    at integer not null,
    key_id text not null,
    signature text not null,
    primary key (entry_id, key_id)
);
create index audit_trail_by_event on audit_trail (event_type, id);

create trigger audit_checkpoints_are_not_edited before update on audit_checkpoints
begin
    select raise(abort, 'audit_checkpoints is append-only');
end;
create trigger audit_checkpoints_are_not_removed before delete on audit_checkpoints
begin
    select raise(abort, 'audit_checkpoints is append-only');
end;
-- `replace into` removes a row without its trigger unless recursive triggers are on.
create trigger audit_checkpoints_are_not_replaced before insert on audit_checkpoints
when exists (select 1 from audit_checkpoints where entry_id = new.entry_id and key_id = new.key_id)
begin
    select raise(abort, 'audit_checkpoints is append-only');
end;
create trigger audit_trail_is_not_replaced before insert on audit_trail
when exists (select 1 from audit_trail where id = new.id or hash = new.hash)
begin
    select raise(abort, 'audit_trail is append-only');
end;
