-- At which version of the knowledge base each pattern last changed, also those that are gone: what a copy in memory has to
-- read again.
create table knowledge_changes (
    pattern_id text primary key,
    version bigint not null
);
create index knowledge_changes_by_version on knowledge_changes (version);
