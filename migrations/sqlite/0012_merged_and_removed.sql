-- Which pattern each merged one is part of now, through however many merges. What was learned under its id is that
-- pattern's as long as the merge stands. One that is active again is its own, whatever stands here of it.
create view pattern_roots as
with recursive standing (merged, into_pattern) as (
    select merged, into_pattern from pattern_merges
    where undone_at is null and not exists (
        select 1 from knowledge_patterns own where own.id = pattern_merges.merged and own.status = 'active')
),
parts (pattern_id, root) as (
    select merged, into_pattern from standing
    union
    select parts.pattern_id, standing.into_pattern from parts join standing on standing.merged = parts.root
)
select pattern_id, root from parts where not exists (select 1 from standing where standing.merged = parts.root);

-- Patterns that a person took away: what comes with the program brings none of them back.
create table removed_patterns (
    pattern_id text primary key,
    removed_at integer not null
);

-- Changes of services outside the inventory are of the project that their signals are of.
update changes set project = 'default' where project = '';
