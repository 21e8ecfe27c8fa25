//! The triggers that keep the audit trail and its checkpoints append-only: whether they are there, and made again.
//!
//! What they must be is read from the migrations that make them, so that there is one place where it is written.

use sqlx::AssertSqlSafe;

use crate::{Connection, StoreError, Tx};

const SQLITE: [&str; 2] = [
    include_str!("../../../migrations/sqlite/0001_foundation.sql"),
    include_str!("../../../migrations/sqlite/0002_audit_checkpoints.sql"),
];
const POSTGRES: [&str; 2] = [
    include_str!("../../../migrations/postgres/0001_foundation.sql"),
    include_str!("../../../migrations/postgres/0002_audit_checkpoints.sql"),
];
const SQLITE_FOUND: &str =
    "select name, sql from sqlite_master where type = 'trigger' and tbl_name in ('audit_trail', 'audit_checkpoints')";
/// The definition as the server writes it, with what the function does, whether it is on, and whether it holds for every row
/// and column.
const POSTGRES_FOUND: &str = "
    select cast(t.tgname as text), cast(t.tgtype as bigint), p.prosrc,
        t.tgenabled in ('O', 'A') and t.tgqual is null and cast(t.tgattr as text) = ''
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid
    where not t.tgisinternal and t.tgrelid in (cast('audit_trail' as regclass), cast('audit_checkpoints' as regclass))";
/// Before, for each row, on update and delete; and before, for each statement, on truncate.
const POSTGRES_TYPES: [(&str, i64); 2] = [("before update or delete on", 27), ("before truncate on", 34)];

/// What is wrong with the guards of the trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    /// Missing, switched off, or doing something else.
    pub missing: Vec<String>,
    /// Triggers of the trail that are not Selfheal's.
    pub strange: Vec<String>,
}

/// A trigger, or the function of one, as a migration makes it.
struct Made {
    name: String,
    table: String,
    sql: &'static str,
}

fn made(texts: &[&'static str], what: &str, end: &str) -> Vec<Made> {
    let begins = |text: &'static str| text.match_indices(what).map(move |(at, _)| &text[at..]);
    let statements = texts.iter().flat_map(|text| begins(text));
    let parsed = statements.filter_map(|rest| {
        let sql = &rest[..rest.find(end)? + end.len()];
        let name = rest[what.len()..].split([' ', '(']).next()?.to_owned();
        let table = if sql.contains(" on audit_trail") { "audit_trail" } else { "audit_checkpoints" };
        Some(Made { name, table: table.to_owned(), sql })
    });
    parsed.filter(|made| made.name.starts_with("audit_")).collect()
}

/// A statement, however it is spaced and written.
fn same(a: &str, b: &str) -> bool {
    let plain =
        |text: &str| text.trim().trim_end_matches(';').split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(a) == plain(b)
}

impl Tx {
    /// Looks at what keeps the trail append-only.
    pub async fn audit_guards(&mut self) -> Result<Guards, StoreError> {
        match &mut self.connection {
            Connection::Sqlite(tx) => {
                let found: Vec<(String, String)> = sqlx::query_as(SQLITE_FOUND).fetch_all(&mut **tx).await?;
                let wanted = made(&SQLITE, "create trigger ", "\nend;");
                let is_there = |made: &Made| found.iter().any(|(name, sql)| *name == made.name && same(sql, made.sql));
                Ok(guards(&wanted, is_there, found.iter().map(|(name, _)| name)))
            }
            Connection::Postgres(tx) => {
                let found: Vec<(String, i64, String, bool)> =
                    sqlx::query_as(POSTGRES_FOUND).fetch_all(&mut **tx).await?;
                let wanted = made(&POSTGRES, "create trigger ", ";");
                let functions = made(&POSTGRES, "create function ", "$$;");
                let is_there = |made: &Made| {
                    let kind = POSTGRES_TYPES.iter().find(|(words, _)| made.sql.contains(words)).map(|(_, kind)| *kind);
                    let body = functions.iter().find(|function| made.sql.contains(&format!("{}()", function.name)));
                    let body = body.and_then(|function| function.sql.split("$$").nth(1)).unwrap_or_default();
                    found.iter().any(|(name, found_kind, source, whole)| {
                        *name == made.name && Some(*found_kind) == kind && *whole && same(source, body)
                    })
                };
                Ok(guards(&wanted, is_there, found.iter().map(|(name, ..)| name)))
            }
        }
    }

    /// Makes those again that are missing. What is strange is left for a person to look at.
    pub async fn mend_audit_guards(&mut self, missing: &[String]) -> Result<(), StoreError> {
        match &mut self.connection {
            Connection::Sqlite(tx) => {
                for made in
                    made(&SQLITE, "create trigger ", "\nend;").iter().filter(|made| missing.contains(&made.name))
                {
                    let drop = format!("drop trigger if exists {}", made.name);
                    for sql in [drop.as_str(), made.sql] {
                        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut **tx).await?;
                    }
                }
            }
            Connection::Postgres(tx) => {
                for function in made(&POSTGRES, "create function ", "$$;") {
                    let sql = function.sql.replacen("create function", "create or replace function", 1);
                    sqlx::query(AssertSqlSafe(sql)).execute(&mut **tx).await?;
                }
                for made in made(&POSTGRES, "create trigger ", ";").iter().filter(|made| missing.contains(&made.name)) {
                    let drop = format!("drop trigger if exists {} on {}", made.name, made.table);
                    for sql in [drop.as_str(), made.sql] {
                        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut **tx).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn guards<'a>(wanted: &[Made], is_there: impl Fn(&Made) -> bool, found: impl Iterator<Item = &'a String>) -> Guards {
    let missing = wanted.iter().filter(|made| !is_there(made)).map(|made| made.name.clone()).collect();
    let strange = found.filter(|name| !wanted.iter().any(|made| made.name == **name)).cloned().collect();
    Guards { missing, strange }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_say_which_triggers_there_are() {
        let names = |texts: &[&'static str], end| -> Vec<String> {
            made(texts, "create trigger ", end).into_iter().map(|made| made.name).collect()
        };
        assert_eq!(
            names(&SQLITE, "\nend;"),
            [
                "audit_trail_is_not_edited",
                "audit_trail_is_not_shortened",
                "audit_checkpoints_are_not_edited",
                "audit_checkpoints_are_not_removed",
                "audit_checkpoints_are_not_replaced",
                "audit_trail_is_not_replaced"
            ]
        );
        assert_eq!(names(&POSTGRES, ";").len(), 4);
        assert_eq!(made(&POSTGRES, "create function ", "$$;").len(), 2);
    }
}
