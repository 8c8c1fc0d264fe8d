use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::Url;

/// The address of one page of call records.
///
/// `base` is the source's `api_url`; parameters it already has (an access key, say) stay, those of ours replace them.
/// Everything is escaped as a form is: a blank becomes `+`, the rest of the odd characters `%XX` in UTF-8.
pub fn page_url(base: &Url, domain: &str, from: &str, to: &str, limit: u32, offset: u64) -> Url {
    const OURS: [&str; 5] = ["domain", "limit", "from", "to", "offset"];
    let mut url = base.clone();
    let kept: Vec<(String, String)> = base
        .query_pairs()
        .filter(|(name, _)| !OURS.contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.set_fragment(None);
    url.query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .append_pair("domain", domain)
        .append_pair("limit", &limit.to_string())
        .append_pair("from", from)
        .append_pair("to", to)
        .append_pair("offset", &offset.to_string());
    url
}

/// A moment as the PBX writes it: `YYYY-MM-DD HH:MM:SS` of its own clock, without a zone.
///
/// In the hour that a summer-time change repeats, the text means two moments and the PBX picks one; the overlap of
/// one fetch with the next is longer than that hour, so nothing falls between.
pub fn local_time(unix_ms: i64, zone: &TimeZone) -> String {
    let time = Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// Where the PBX plays a recording: `https://host:port/recordings` and the record's path.
///
/// # Errors
/// When the path leads out of `/recordings`.
pub fn recording_url(base: &Url, path: &str) -> Result<Url, String> {
    if path.split(['/', '\\']).any(|part| part == "..") || path.contains("//") || path.contains('\\') {
        return Err("the recording's path leads elsewhere".to_owned());
    }
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path("");
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.clear().push("recordings");
        parts.extend(path.split('/').filter(|part| !part.is_empty()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn url(base: &str, domain: &str, from: &str) -> String {
        let base = Url::parse(base).unwrap();
        page_url(&base, domain, from, "2025-09-11 23:59:59", 200, 400).to_string()
    }

    /// S0-063, S0-064, S0-065, S0-066, S0-067, S0-091
    #[test]
    fn the_address_carries_the_five_parameters_and_odd_characters_are_escaped() {
        assert_eq!(
            url(
                "https://pbx.example:8080/api/v2/cdrs",
                "tazaspa102019",
                "2025-09-01 00:00:00"
            ),
            "https://pbx.example:8080/api/v2/cdrs?domain=tazaspa102019&limit=200&from=2025-09-01+00%3A00%3A00\
             &to=2025-09-11+23%3A59%3A59&offset=400"
        );
        let odd = url("https://pbx.example/api/v2/cdrs", "a b&limit=9#é+%/?=سلام", "x");
        let read = Url::parse(&odd).unwrap();
        let pairs: Vec<_> = read.query_pairs().into_owned().collect();
        assert_eq!(
            pairs[0],
            ("domain".to_owned(), "a b&limit=9#é+%/?=سلام".to_owned())
        );
        assert_eq!(pairs.len(), 5);
        assert_eq!(read.fragment(), None);
    }

    /// S0-091
    #[test]
    fn parameters_of_the_address_stay_and_ours_are_not_doubled() {
        let text = url(
            "https://pbx.example/cdrs?api_key=k%26y&limit=7&offset=1#x",
            "d",
            "f",
        );
        let read = Url::parse(&text).unwrap();
        let pairs: Vec<_> = read.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("api_key".to_owned(), "k&y".to_owned()));
        assert_eq!(pairs.iter().filter(|(name, _)| name == "limit").count(), 1);
        assert_eq!(pairs.iter().filter(|(name, _)| name == "offset").count(), 1);
    }

    /// S0-092, S0-065
    #[test]
    fn times_are_those_of_the_pbxs_own_clock_also_across_summer_time() {
        let noon = 1_795_165_200_000; // 2026-11-20T09:00:00Z
        assert_eq!(local_time(noon, &zone("Asia/Riyadh")), "2026-11-20 12:00:00");
        assert_eq!(local_time(noon, &zone("Asia/Ho_Chi_Minh")), "2026-11-20 16:00:00");
        assert_eq!(local_time(noon, &TimeZone::UTC), "2026-11-20 09:00:00");
        let berlin = zone("Europe/Berlin");
        // 2026-03-29T01:00:00Z: from 01:59:59 to 03:00:00.
        assert_eq!(local_time(1_774_745_999_000, &berlin), "2026-03-29 01:59:59");
        assert_eq!(local_time(1_774_746_000_000, &berlin), "2026-03-29 03:00:00");
        // 2026-10-25T01:00:00Z: 02:59:59 is followed by 02:00:00.
        assert_eq!(local_time(1_792_889_999_000, &berlin), "2026-10-25 02:59:59");
        assert_eq!(local_time(1_792_890_000_000, &berlin), "2026-10-25 02:00:00");
        assert_eq!(local_time(i64::MAX, &berlin), "1970-01-01 01:00:00");
    }

    /// S0-080
    #[test]
    fn a_recording_lies_below_recordings_and_nowhere_else() {
        let base = Url::parse("https://pbx.example:8080/api/v2/cdrs?api_key=x").unwrap();
        let found = recording_url(&base, "/tenant/archive/2025/Sep/11/a b.mp3").unwrap();
        assert_eq!(
            found.as_str(),
            "https://pbx.example:8080/recordings/tenant/archive/2025/Sep/11/a%20b.mp3"
        );
        for path in ["/../etc/passwd", "/a/../../b", "//evil.example/x", "\\..\\x"] {
            assert!(recording_url(&base, path).is_err(), "{path}");
        }
        let odd = recording_url(&base, "/a?b#c").unwrap();
        assert_eq!(odd.path(), "/recordings/a%3Fb%23c");
    }
}
