use crate::model::{RecordingKind, RecordingRow};
use jiff::Timestamp;
use jiff::tz::Offset;

/// Where in a bucket a copy lies: `{site}/{yyyy}/{mm}/{dd}/{recording_id}.{ext}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Field),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Site,
    Kind,
    Year,
    Month,
    MonthName,
    Day,
    Hour,
    CallId,
    RecordingId,
    Agent,
    Ending,
}

const FIELDS: [(&str, Field); 11] = [
    ("site", Field::Site),
    ("kind", Field::Kind),
    ("yyyy", Field::Year),
    ("mm", Field::Month),
    ("mon", Field::MonthName),
    ("dd", Field::Day),
    ("hh", Field::Hour),
    ("call_id", Field::CallId),
    ("recording_id", Field::RecordingId),
    ("agent", Field::Agent),
    ("ext", Field::Ending),
];

/// Longest key; S3 takes 1024 bytes.
const LONGEST: usize = 500;

impl Template {
    /// Reads one; the problem in words that follow the key's name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or("has a { without its }")?;
            let (_, field) = FIELDS.iter().find(|(known, _)| *known == name).ok_or_else(|| {
                let known: Vec<&str> = FIELDS.iter().map(|(known, _)| *known).collect();
                format!("has {{{name}}}, and known are {}", known.join(", "))
            })?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Field(*field));
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        let texts = pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Field(_) => None,
        });
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=".contains(letter);
        if texts
            .clone()
            .any(|text| !text.chars().all(plain) || text.contains("..") || text.contains("//"))
        {
            return Err("has a sign that not every place takes".to_owned());
        }
        if text.starts_with('/') || text.ends_with('/') || text.starts_with('.') || text.len() > LONGEST {
            return Err("is no path below a bucket".to_owned());
        }
        // A message and a conversation of one call must not overwrite each other.
        if !pieces.contains(&Piece::Field(Field::RecordingId)) {
            return Err("has no {recording_id}, so two recordings could get one name".to_owned());
        }
        Ok(Self(pieces))
    }

    /// The key of a recording at this site, whose file has this ending.
    pub(super) fn key(&self, site: &str, row: &RecordingRow, ending: &str) -> String {
        let offset = Offset::from_seconds(row.started_at.offset_seconds).unwrap_or(Offset::UTC);
        let time = Timestamp::from_millisecond(row.started_at.unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let at = offset.to_datetime(time);
        let mut key = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => key.push_str(text),
                Piece::Field(field) => key.push_str(&plain(&match field {
                    Field::Site => site.to_owned(),
                    Field::Kind => match row.kind {
                        RecordingKind::Conversation => "recordings".to_owned(),
                        RecordingKind::Voicemail => "voicemail".to_owned(),
                    },
                    Field::Year => at.strftime("%Y").to_string(),
                    Field::Month => at.strftime("%m").to_string(),
                    Field::MonthName => at.strftime("%b").to_string(),
                    Field::Day => at.strftime("%d").to_string(),
                    Field::Hour => at.strftime("%H").to_string(),
                    Field::CallId => row.call_id.to_string(),
                    Field::RecordingId => row.id.to_string(),
                    Field::Agent => row.agent.as_ref().map(ToString::to_string).unwrap_or_default(),
                    // The one value with a dot that stays: `ogg.sealed`.
                    Field::Ending => ending.replace('.', "-"),
                })),
            }
        }
        key
    }
}

/// A value as one step of a key: what is neither letter nor digit becomes `_`, and none is empty.
fn plain(value: &str) -> String {
    let letter = |letter: char| {
        let is_plain = letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        if is_plain { letter } else { '_' }
    };
    let plain: String = value.chars().map(letter).collect();
    if plain.is_empty() { "_".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeping::tests::kept;

    /// S0-080: the layout of the PBX is one of those that can be written.
    #[test]
    fn a_key_is_made_of_the_site_the_day_and_our_own_names() {
        let row = kept(1).row;
        let key = |text: &str| Template::parse(text).unwrap().key("Riyadh / 1", &row, "wav");
        assert_eq!(
            key("{site}/{yyyy}/{mm}/{dd}/{recording_id}.{ext}"),
            format!("Riyadh___1/2026/11/20/{}.wav", row.id)
        );
        assert_eq!(
            key("{site}/archive/{yyyy}/{mon}/{dd}/{recording_id}.{ext}"),
            format!("Riyadh___1/archive/2026/Nov/20/{}.wav", row.id)
        );
        assert_eq!(
            key("{kind}/{agent}/{recording_id}"),
            format!("recordings/_/{}", row.id)
        );
    }

    #[test]
    fn no_name_leads_out_of_its_folder() {
        let mut row = kept(1).row;
        row.agent = Some("../../etc".into());
        let key = Template::parse("{agent}/{recording_id}")
            .unwrap()
            .key("s", &row, "wav");
        assert!(key.starts_with("______etc/"), "{key}");
    }

    #[test]
    fn what_could_not_be_a_key_is_told() {
        for text in [
            "{yyyy}/{call_id}.wav",
            "{recording_id}{",
            "{colour}/{recording_id}",
            "/{recording_id}",
            "../{recording_id}",
            "a b/{recording_id}",
            "{recording_id}/",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
