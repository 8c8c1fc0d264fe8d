use bytes::Bytes;
use memchr::memmem;

/// Fields of a form that is looked at.
const MOST_FIELDS: usize = 16;
/// Bytes of the headers of one field.
const LONGEST_HEAD: usize = 2048;

/// One field of a form that was sent with files (RFC 7578).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: Bytes,
}

/// The fields of a body of this Content-Type; none when it is no such form, or a broken one.
pub(super) fn fields(content_type: &str, body: &Bytes) -> Option<Vec<Field>> {
    let boundary = boundary(content_type)?;
    // RFC 2046 §5.1.1: the line break before a delimiter belongs to it. The first may stand at the very beginning.
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(&delimiter);
    let mut at = match body.starts_with(delimiter.trim_start().as_bytes()) {
        true => delimiter.len() - 2,
        false => finder.find(body)? + delimiter.len(),
    };
    let mut fields = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(fields);
        }
        // Blanks may follow a delimiter.
        let line = memmem::find(rest, b"\r\n")?;
        let is_blank = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b' ' | b'\t'));
        if fields.len() >= MOST_FIELDS || !is_blank(rest.get(..line)?) {
            return None;
        }
        let head = rest.get(line..)?;
        let head_length = memmem::find(head.get(..head.len().min(LONGEST_HEAD))?, b"\r\n\r\n")?;
        let name = name(std::str::from_utf8(head.get(..head_length)?).ok()?)?;
        // An empty value has its delimiter right behind the head, whose last line break it shares.
        let start = at + line + head_length + 2;
        let length = finder.find(body.get(start..)?)?;
        let value = body.slice((start + 2).min(start + length)..start + length);
        fields.push(Field { name, value });
        at = start + length + delimiter.len();
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let mut parts = content_type.split(';');
    let is_form = parts.next()?.trim().eq_ignore_ascii_case("multipart/form-data");
    let value = parts.filter(|_| is_form).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("boundary").then(|| value.trim())
    })?;
    let value = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value);
    (1..=70).contains(&value.len()).then_some(value)
}

/// The field's name, out of its Content-Disposition.
fn name(head: &str) -> Option<String> {
    let line = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    })?;
    let mut parts = line.split(';');
    parts
        .next()?
        .trim()
        .eq_ignore_ascii_case("form-data")
        .then_some(())?;
    parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (key.trim() == "name").then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TYPE: &str = "multipart/form-data; boundary=----x";

    fn read(body: &str) -> Option<Vec<(String, String)>> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let shown = |field: Field| (field.name, String::from_utf8_lossy(&field.value).into_owned());
        Some(fields(TYPE, &body)?.into_iter().map(shown).collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_form_of_a_browser_is_read_to_the_byte() {
        let body = "------x\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nen\r\n\
                    ------x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n\r\n\
                    ------x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a;b.wav\"\r\n\
                    Content-Type: audio/wav\r\n\r\nRI\r\n--FF\r\n\r\n------x--\r\n";
        let wanted = [
            pair("language", "en"),
            pair("name", ""),
            pair("file", "RI\r\n--FF\r\n"),
        ];
        assert_eq!(read(body).unwrap(), wanted);
        assert_eq!(read(&format!("a preamble\r\n{body}an epilogue")).unwrap(), wanted);
        let spaced = body.replace("------x\r\nC", "------x \t\r\nC");
        assert_eq!(read(&spaced).unwrap(), wanted);
    }

    #[test]
    fn what_is_no_form_or_a_cut_one_is_none() {
        for body in [
            "",
            "------x",
            "------x\r\n",
            "------x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue",
            "------x\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n------x--",
            "------x\r\nContent-Type: text/plain\r\n\r\n1\r\n------x--",
            "------y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n------y--",
        ] {
            assert_eq!(read(body), None, "{body:?}");
        }
        let one = "------x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
        assert_eq!(read(&format!("{}------x--", one.repeat(16))).unwrap().len(), 16);
        assert_eq!(read(&format!("{}------x--", one.repeat(17))), None);
        let body = Bytes::from_static(b"--x\r\n\r\n");
        for kind in [
            "text/plain; boundary=x",
            "multipart/form-data",
            "multipart/form-data; boundary=",
        ] {
            assert_eq!(fields(kind, &body), None, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in "(------x|\r\n|--|a|Content-Disposition: form-data; name=b){0,30}") {
            let _ = read(&body);
        }

        #[test]
        fn any_bytes_come_back(value in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut body = b"--q\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n".to_vec();
            body.extend(&value);
            body.extend(b"\r\n--q--\r\n");
            let hidden = value.windows(5).any(|five| five == b"\r\n--q");
            let fields = fields("multipart/form-data; boundary=\"q\"", &body.into());
            if !hidden {
                prop_assert_eq!(&fields.unwrap()[0].value[..], &value[..]);
            }
        }
    }
}
