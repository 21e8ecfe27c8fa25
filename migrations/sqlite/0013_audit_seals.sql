-- Who wrote an entry: a signature over it by the key of the home that did. Entries from before this have none.

alter table audit_trail add column seal_key text;
alter table audit_trail add column seal text;
