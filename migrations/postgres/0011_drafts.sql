-- A cluster is looked for by exactly what it says before it is compared with the latest others, and members beyond those that
-- a draft is made of keep only their place: their body is `null`.
drop index draft_clusters_by_project;
create index draft_clusters_by_project on draft_clusters (project, kind, last_seen, id);
create index draft_clusters_by_template on draft_clusters (project, kind, substr(template, 1, 64));
create index draft_clusters_by_alert on draft_clusters (project, kind, substr(alert, 1, 64)) where alert is not null;
create index draft_members_kept on draft_members (incident_id) where body <> 'null';
