-- What a pattern has beside itself: the document that a person wrote, with its comments, and the digest of what an import
-- last brought, by which an edit made here is told from what came in.
create table pattern_documents (
    pattern_id text primary key references knowledge_patterns (id),
    document text,
    imported_digest text,
    updated_at bigint not null,
    updated_by text not null
);
