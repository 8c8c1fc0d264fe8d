use super::frame::FRAME_BYTES;
use super::*;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const NEW: &str = "11111111111111111111111111111111111111111111111111111111111111aa";
const OLD: &str = "22222222222222222222222222222222222222222222222222222222222222bb";

fn keys(text: &str) -> Keys {
    Keys::parse(text).unwrap()
}

const AUDIO: Content = Content::Audio {
    tag: 7,
    channels: 2,
    rate: 8000,
};

/// Bytes that tell their places.
fn plain(count: usize) -> Vec<u8> {
    (0..count).map(|place| (place % 251) as u8).collect()
}

/// A file sealed in pieces of these lengths; complete when `ends`.
fn sealed(dir: &Path, content: Content, pieces: &[usize], ends: bool) -> (PathBuf, Vec<u8>) {
    let path = dir.join("x");
    let (mut writer, mut bytes) = SealedWriter::new(&keys(NEW), content)
        .map(|(writer, frame)| (writer, frame.to_vec()))
        .unwrap();
    let all = plain(pieces.iter().sum());
    let mut rest = &all[..];
    for piece in pieces {
        let (now, later) = rest.split_at(*piece);
        writer.seal(now, &mut bytes).unwrap();
        rest = later;
    }
    if ends {
        writer.seal_last(&[], &mut bytes).unwrap();
    }
    fs::write(&path, bytes).unwrap();
    (path, all)
}

fn open(path: &Path, text: &str) -> Result<SealedReader, SealTrouble> {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    SealedReader::open(file, &keys(text))
}

fn read_all(reader: &mut SealedReader) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.seek(SeekFrom::Start(0)).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_was_sealed_comes_back_from_anywhere_and_does_not_show_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, all) = sealed(dir.path(), Content::File, &[10, 8000, 200_000, 1], true);
    let bytes = fs::read(&path).unwrap();
    assert!(
        !bytes
            .windows(32)
            .any(|window| all.windows(32).take(300).any(|piece| piece == window))
    );
    let mut reader = open(&path, NEW).unwrap();
    assert_eq!(reader.length(), all.len() as u64);
    assert!(reader.is_complete() && reader.prove().is_ok());
    assert!(read_all(&mut reader) == all);
    for (from, count) in [(0, 1), (9, 3), (8009, 4), (65_000, 80_000), (208_010, 1)] {
        let mut part = vec![0; count];
        reader.seek(SeekFrom::Start(from as u64)).unwrap();
        reader.read_exact(&mut part).unwrap();
        assert!(part == all[from..from + count], "{from}");
    }
    assert_eq!(reader.seek(SeekFrom::End(0)).unwrap(), all.len() as u64);
    assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
}

#[test]
fn sealed_audio_reads_as_a_wav_file_whose_header_fits_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let (path, all) = sealed(dir.path(), AUDIO, &[8000, 8001], false);
    let mut reader = open(&path, NEW).unwrap();
    let header = reader.header().unwrap();
    assert_eq!(header.audio_bytes, 16_000, "whole samples");
    let bytes = read_all(&mut reader);
    assert_eq!(bytes.len() as u64, reader.length());
    let wav = dir.path().join("x.wav");
    fs::write(&wav, &bytes).unwrap();
    assert_eq!(crate::recording::inspect(&wav).unwrap().frames, 8000);
    assert!(bytes.ends_with(&all[..16_000]));
}

#[test]
fn a_file_that_is_cut_anywhere_opens_up_to_its_last_whole_chunk() {
    let dir = tempfile::tempdir().unwrap();
    let (path, all) = sealed(dir.path(), Content::File, &[100, 50, 70], true);
    let whole = fs::read(&path).unwrap();
    for cut in FRAME_BYTES..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut reader = open(&path, NEW).unwrap();
        assert!(!reader.is_complete());
        let expected = [220, 150, 100, 0]
            .into_iter()
            .find(|count| reader.length() == *count)
            .unwrap();
        assert!(read_all(&mut reader) == all[..expected as usize]);
        assert!(matches!(
            reader.prove(),
            Err(SealTrouble::Damaged("its end is missing"))
        ));
        let keys = keys(NEW);
        let size = reader.mend(&keys).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), size);
        let mut mended = open(&path, NEW).unwrap();
        assert!(mended.is_complete() && mended.prove().is_ok());
        assert!(read_all(&mut mended) == all[..expected as usize]);
    }
}

#[test]
fn zeros_that_a_power_cut_left_at_the_end_are_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let (path, all) = sealed(dir.path(), Content::File, &[100, 50], false);
    let size = fs::metadata(&path).unwrap().len();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(size - 20)
        .unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(size + 4096)
        .unwrap();
    let mut reader = open(&path, NEW).unwrap_or_else(|trouble| panic!("{trouble}"));
    reader.mend(&keys(NEW)).unwrap();
    assert!(read_all(&mut open(&path, NEW).unwrap()) == all[..100]);
}

#[test]
fn every_changed_byte_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = sealed(dir.path(), AUDIO, &[40, 20], true);
    let whole = fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 4;
        fs::write(&path, &changed).unwrap();
        let opened = open(&path, NEW).map(|mut reader| reader.prove());
        assert!(!matches!(opened, Ok(Ok(()))), "byte {place}");
    }
}

#[test]
fn chunks_do_not_open_in_another_place_or_another_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = sealed(dir.path(), Content::File, &[40, 40], true);
    let mut bytes = fs::read(&path).unwrap();
    let chunk = 4 + 40 + 16;
    let (first, second) = bytes[FRAME_BYTES..FRAME_BYTES + 2 * chunk].split_at_mut(chunk);
    first.swap_with_slice(second);
    fs::write(&path, &bytes).unwrap();
    assert!(open(&path, NEW).unwrap().prove().is_err());
    let other = tempfile::tempdir().unwrap();
    let (other, _) = sealed(other.path(), Content::File, &[40, 40], true);
    let mut mixed = fs::read(&other).unwrap();
    mixed[FRAME_BYTES..].copy_from_slice(&fs::read(&path).unwrap()[FRAME_BYTES..]);
    fs::write(&path, mixed).unwrap();
    assert!(open(&path, NEW).unwrap().prove().is_err());
}

#[test]
fn an_old_key_still_opens_and_a_missing_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (path, all) = sealed(dir.path(), Content::File, &[40], true);
    let both = format!("# rotated\n{OLD}\n\n{NEW}\n");
    assert!(read_all(&mut open(&path, &both).unwrap()) == all);
    let Err(trouble) = open(&path, OLD) else {
        panic!("it opened")
    };
    let named = keys(NEW).current().to_string();
    assert!(trouble.to_string().contains(&named), "{trouble}");
    assert_eq!(
        std::io::Error::from(trouble).kind(),
        std::io::ErrorKind::PermissionDenied
    );
}

#[test]
fn only_keys_are_keys_and_none_of_them_shows() {
    for bad in [
        "",
        "\n# none\n",
        "abc",
        &NEW[1..],
        &format!("{NEW}\nnonsense"),
        &"é".repeat(32),
    ] {
        assert!(Keys::parse(bad).is_none(), "{bad:?}");
    }
    let shown = format!("{:?}", keys(NEW));
    assert!(!shown.contains(&NEW[..12]), "{shown}");
    std::io::sink().write_all(shown.as_bytes()).unwrap();
}
