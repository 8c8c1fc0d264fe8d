use super::Section;
#[cfg(feature = "postgres")]
use super::columns::{COLUMNS, sent_as};

/// The statements, with the table's name in its places. The name has only letters, digits and `_` in it and is quoted
/// all the same.
#[derive(Debug, Clone)]
pub(super) struct Sql {
    /// The table's name, quoted.
    pub(super) table: String,
    /// The view's name when it is wanted.
    pub(super) view: String,
    #[cfg(feature = "postgres")]
    pub(super) upsert: String,
    pub(super) make_table: String,
    /// What makes the table smaller and quicker where the server can do it.
    pub(super) pack_table: String,
    pub(super) make_view: Option<String>,
}

impl Sql {
    pub(super) fn of(section: &Section) -> Option<Self> {
        let (schema, table) = match section.table.split_once('.') {
            Some((schema, table)) => (quoted(schema)? + ".", table),
            None => (String::new(), section.table.as_str()),
        };
        let whole = schema.clone() + &quoted(table)?;
        let index = |column: &str| quoted(&[table, column].join("_"));
        let make_table = include_str!("table.sql")
            .replace("{table}", &whole)
            .replace("{site_index}", &index("site")?)
            .replace("{start_index}", &index("started")?)
            .replace("{caller_index}", &index("caller")?)
            .replace("{dialed_index}", &index("dialed")?)
            .replace("{received_index}", &index("received")?);
        let make_view = section.call_center_view.then(|| {
            include_str!("call_center.sql")
                .replace("{table}", &whole)
                .replace("{schema}", &schema)
        });
        Some(Self {
            #[cfg(feature = "postgres")]
            upsert: upsert(&whole),
            pack_table: ["ALTER TABLE ", &whole, " ALTER COLUMN body SET COMPRESSION lz4"].concat(),
            view: make_view
                .as_ref()
                .map_or_else(String::new, |_| schema + "\"CallCenterRecord\""),
            table: whole,
            make_table,
            make_view,
        })
    }
}

#[cfg(feature = "postgres")]
fn upsert(table: &str) -> String {
    let each = |word: &dyn Fn(usize, &str, &str) -> String| -> String {
        let words = COLUMNS.iter().enumerate();
        let words: Vec<String> = words.map(|(n, (name, kept))| word(n, name, kept)).collect();
        words.join(", ")
    };
    include_str!("upsert.sql")
        .replace("{table}", table)
        .replace("{columns}", &each(&|_, name, _| name.to_owned()))
        .replace("{values}", &each(&|_, name, kept| format!("sent.{name}::{kept}")))
        .replace(
            "{arrays}",
            &each(&|n, _, kept| format!("${}::{}[]", n + 2, sent_as(kept))),
        )
        .replace(
            "{updates}",
            &each(&|_, name, _| format!("{name} = excluded.{name}")),
        )
}

/// PostgreSQL cuts names at 63 bytes; an index has the table's name and some more.
fn quoted(name: &str) -> Option<String> {
    let is_name = !name.is_empty()
        && name.len() <= 57
        && !name.starts_with(|letter: char| letter.is_ascii_digit())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_name.then(|| ["\"", name, "\""].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left_in_a_statement() {
        let section: Section = toml::from_str("table='fleet.cdrs'\ncall_center_view=true").unwrap();
        let sql = Sql::of(&section).unwrap();
        for statement in [&sql.make_table, sql.make_view.as_ref().unwrap(), &sql.pack_table] {
            assert!(
                !statement.contains(['{', '}']) && statement.contains("\"fleet\".\"cdrs\""),
                "{statement}"
            );
        }
        #[cfg(feature = "postgres")]
        assert!(
            !sql.upsert.contains(['{', '}']) && sql.upsert.contains("$36"),
            "{}",
            sql.upsert
        );
    }
}
