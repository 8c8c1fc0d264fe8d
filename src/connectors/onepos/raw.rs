use serde_json::{Map, Value, json};

/// The most bytes of a row that are kept as it came.
pub const RAW_BYTES: usize = 8 * 1024;

/// Words in a field's name that make it a secret.
const SECRET_WORDS: [&str; 9] = [
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "authorization",
    "credential",
    "cookie",
];

/// The row as JSON text, without secrets and of bounded size: a larger one keeps the fields that are understood.
///
/// `key` is the source's own key; a PBX that repeats it in a row does not get it written here.
pub(super) fn raw_text(row: &Map<String, Value>, understood: &[&str], key: &str) -> String {
    let clean = without_secrets(&Value::Object(row.clone()), key, 0);
    let text = clean.to_string();
    if text.len() <= RAW_BYTES {
        return text;
    }
    let mut short: Map<String, Value> = understood
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), clean.get(name)?.clone())))
        .filter(|(_, value)| value.to_string().len() <= 512)
        .collect();
    short.insert("_cut".to_owned(), json!(text.len()));
    Value::Object(short).to_string()
}

/// Deeper than this nothing is kept.
const DEEPEST: usize = 16;

fn without_secrets(value: &Value, key: &str, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !is_secret(name))
            .map(|(name, value)| (name.clone(), without_secrets(value, key, depth + 1)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items
            .iter()
            .map(|item| without_secrets(item, key, depth + 1))
            .collect(),
        Value::String(text) if !key.is_empty() && text.contains(key) => Value::from(text.replace(key, "…")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S0-029
    #[test]
    fn what_is_kept_of_a_row_holds_no_secret_and_has_a_bound() {
        let row = json!({
            "uuid": "u1", "sip_password": "x1", "extra": {"Access-Token": "x2", "note": "the key is k3y!"},
            "list": [{"api_key": "x3", "n": 1}],
        });
        let text = raw_text(row.as_object().unwrap(), &["uuid"], "k3y!");
        assert_eq!(
            text,
            r#"{"extra":{"note":"the key is …"},"list":[{"n":1}],"uuid":"u1"}"#
        );

        let huge = json!({ "uuid": "u1", "blob": "x".repeat(20_000) });
        let text = raw_text(huge.as_object().unwrap(), &["uuid", "blob"], "");
        assert!(
            text.len() < 200 && text.contains(r#""uuid":"u1""#) && text.contains("_cut"),
            "{text}"
        );
    }
}
