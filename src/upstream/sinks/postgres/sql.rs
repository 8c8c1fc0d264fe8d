use super::Section;

/// The statements, with the table's name in its places. The name has only letters, digits and `_` in it and is quoted
/// all the same.
#[derive(Debug, Clone)]
pub(super) struct Sql {
    /// The table's name, quoted.
    pub(super) table: String,
    /// The view's name when it is wanted.
    pub(super) view: String,
    pub(super) upsert: String,
    pub(super) make_table: String,
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
            upsert: include_str!("upsert.sql").replace("{table}", &whole),
            view: make_view
                .as_ref()
                .map_or_else(String::new, |_| schema + "\"CallCenterRecord\""),
            table: whole,
            make_table,
            make_view,
        })
    }
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
        for statement in [&sql.upsert, &sql.make_table, sql.make_view.as_ref().unwrap()] {
            assert!(
                !statement.contains(['{', '}']) && statement.contains("\"fleet\".\"cdrs\""),
                "{statement}"
            );
        }
    }
}
