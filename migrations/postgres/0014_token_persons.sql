-- Tokens belong to a person and end. Those of before belong to who they are named after, and have no end.
alter table api_tokens add column person text not null default '';
alter table api_tokens add column expires_at bigint;
alter table api_tokens add column made_by text;
update api_tokens set person = name;
