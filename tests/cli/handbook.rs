//! What the handbook says to type, typed: its commands exist with their flags, and the blocks of the pages about records
//! do what the page says.
//!
//! Not typed: `install` and `systemctl`, which want root and a machine of their own; `callpost run` and `demo` (other
//! tests run them); the `nats` and `nk` tools and the server of `fleet.md`, which Debian does not have.

use crate::cdr::{House, TOKEN};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/handbook")
        .join(name);
    fs::read_to_string(path).unwrap()
}

/// The code blocks of a page in this language; those inside a list lose its margin.
fn blocks(name: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for line in page(name).lines() {
        let margin = line.len() - line.trim_start().len();
        match &mut open {
            None if line.trim() == format!("```{language}") => open = Some((margin, String::new())),
            None => {}
            Some(_) if line.trim() == "```" => blocks.extend(open.take().map(|(_, text)| text)),
            Some((margin, text)) => {
                text.push_str(line.get(*margin..).unwrap_or_default());
                text.push('\n');
            }
        }
    }
    blocks
}

/// A desk with the handbook open: `curl` reaches the box at the address that the pages write, `callpost` is this one.
struct Desk {
    house: House,
}

impl Desk {
    fn new() -> Self {
        let house = House::of(5, "head-office");
        let desk = Self { house };
        let bin = desk.folder().join("bin");
        fs::create_dir(&bin).unwrap();
        let curl = format!(
            "#!/bin/sh\nexec /usr/bin/curl --fail-with-body --max-time 60 --connect-to 127.0.0.1:8080:{} \"$@\"\n",
            desk.house.http
        );
        let callpost = format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_callpost"));
        for (name, text) in [("curl", curl), ("callpost", callpost)] {
            fs::write(bin.join(name), text).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        // Where the commands look when no file is named.
        fs::create_dir(desk.folder().join("config")).unwrap();
        let written = desk.folder().join("callpost.toml");
        fs::copy(written, desk.folder().join("config/callpost.toml")).unwrap();
        desk
    }

    fn folder(&self) -> &Path {
        self.house.place.path()
    }

    /// Types a block into a shell; answers what it printed. A command that fails stops the test.
    fn types(&self, block: &str, more: &[(&str, &str)]) -> String {
        let path = format!(
            "{}:{}",
            self.folder().join("bin").display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let mut shell = Command::new("bash");
        shell
            .args(["-e", "-u", "-o", "pipefail", "-c", block])
            .current_dir(self.folder())
            .env("PATH", path)
            .env("TOKEN", TOKEN)
            .env("ADMIN", TOKEN)
            .env("CALLPOST_TOKEN", TOKEN)
            .stdin(Stdio::null());
        for (name, value) in more {
            shell.env(name, value);
        }
        let output = shell.output().unwrap();
        let (said, complaint) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        assert!(output.status.success(), "{block}\n{said}\n{complaint}");
        said
    }

    fn json(&self, block: &str, more: &[(&str, &str)]) -> Value {
        let said = self.types(block, more);
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{block}\n{said}"))
    }

    fn ask(&self, path: &str) -> Value {
        let block = format!("curl -s -H \"Authorization: Bearer $TOKEN\" 'http://127.0.0.1:8080{path}'");
        self.json(&block, &[])
    }
}

/// `cdr-pull.md`, block by block in its order.
#[test]
fn the_page_about_pulling_does_what_it_says() {
    let desk = Desk::new();
    let _daemon = desk.house.daemon();
    let [ask, acknowledge, move_reader, files, proof, replay] =
        blocks("cdr-pull.md", "sh").try_into().unwrap();

    let asked = desk.json(&ask, &[]);
    assert_eq!(asked["items"].as_array().unwrap().len(), 5);
    assert_eq!(
        (&asked["has_more"], &asked["latest_seq"]),
        (&false.into(), &5.into())
    );
    // The cursor of the page is the one thing that a reader has to put in.
    let cursor = asked["next_cursor"].as_str().unwrap();
    let acknowledge = acknowledge.replace("AQAAAAAAAAAB…", cursor);
    let acknowledged = desk.json(&acknowledge, &[]);
    assert_eq!(
        (&acknowledged["acked_seq"], &acknowledged["lag"]),
        (&5.into(), &0.into())
    );

    desk.types(&move_reader, &[]);
    assert_eq!(
        desk.ask("/api/v1/consumers")["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["name"] == "billing")
            .count(),
        0,
        "moved, then forgotten"
    );

    desk.types(&files, &[]);
    let table = fs::read_to_string(desk.folder().join("november.csv")).unwrap();
    assert_eq!(table.lines().count(), 6);
    assert_eq!(
        fs::read_to_string(desk.folder().join("missed.jsonl"))
            .unwrap()
            .lines()
            .count(),
        4
    );

    let proof = desk.json(&proof.replace("to_seq=4711", "to_seq=5"), &[]);
    assert_eq!((&proof["filed"], &proof["gaps"]), (&5.into(), &0.into()));
    let sent = desk.types(&replay, &[]);
    assert!(sent.contains("head-office"), "{sent}");
}

/// The program of `cdr-pull.md`, as it stands there but for its token, which a reader puts in.
#[test]
fn the_program_on_the_page_reads_every_record_and_acknowledges_it() {
    let desk = Desk::new();
    let _daemon = desk.house.daemon();
    let [program] = blocks("cdr-pull.md", "python").try_into().unwrap();
    let program = program
        .replace("http://127.0.0.1:8080", &format!("http://{}", desk.house.http))
        .replace("\"…\"", &format!("\"{TOKEN}\""));
    let yours = "def store(record):\n    print(record[\"cdr_id\"], flush=True)\n";
    let mut reader = Command::new("python3")
        .args(["-c", &format!("{yours}{program}")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lag = Value::Null;
    for _ in 0..600 {
        let consumers = desk.ask("/api/v1/consumers");
        lag = consumers["items"][0]["lag"].clone();
        if lag == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    reader.kill().unwrap();
    let mut said = String::new();
    reader.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    reader.wait().unwrap();
    assert_eq!(lag, 0, "{said}");
    assert_eq!(said.lines().collect::<BTreeSet<_>>().len(), 5, "{said}");
}

/// The address of `cdr-pull.md` for programs that were written for the PBX, with its blanks.
#[test]
fn the_pbxs_own_address_is_answered_as_it_stands_on_the_page() {
    let desk = Desk::new();
    let _daemon = desk.house.daemon();
    let text = page("cdr-pull.md");
    let line = text
        .lines()
        .find(|line| line.starts_with("http://127.0.0.1:8080/api/v2/cdrs?"))
        .unwrap();
    let target = line.strip_prefix("http://127.0.0.1:8080").unwrap();
    let target = target
        .replace("2025-09-01", "2026-11-01")
        .replace("2025-09-11", "2026-11-30");
    let mut stream = TcpStream::connect(desk.house.http).unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (&body["status"], &body["result_in_page"]),
        (&"success".into(), &5.into())
    );
}

/// `pbx-sync.md`, block by block. The PBX of the page does not exist, so the test of the way fails at its first step.
#[test]
fn the_page_about_the_sync_does_what_it_says() {
    let desk = Desk::new();
    let _daemon = desk.house.daemon();
    let [make, test, fetch] = blocks("pbx-sync.md", "sh").try_into().unwrap();
    let made = desk.json(&make, &[]);
    assert_eq!((&made["name"], &made["is_active"]), (&"pbx".into(), &true.into()));
    let id = made["id"].as_str().unwrap();
    let tested = desk.json(&test, &[("ID", id)]);
    assert_eq!(
        (&tested["ok"], &tested["failing_step"]),
        (&false.into(), &"dns".into())
    );
    let fetched = desk.json(&fetch, &[]);
    let log = fetched["log_id"].as_str().unwrap();
    let mut told = desk.ask(&format!("/api/v1/cdr/sync/logs/{log}?wait=30"));
    while told["status"] == "running" {
        told = desk.ask(&format!("/api/v1/cdr/sync/logs/{log}?wait=30"));
    }
    assert_eq!(told["status"], "error");
    assert!(!told["error_message"].as_str().unwrap().is_empty());
}

#[test]
fn the_commands_of_the_api_page_are_answered() {
    let desk = Desk::new();
    let _daemon = desk.house.daemon();
    for block in blocks("api.md", "sh") {
        let said = desk.types(&block, &[]);
        if !block.starts_with("curl") {
            assert!(!said.is_empty(), "{block}");
            continue;
        }
        let told: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{block}\n{said}"));
        assert!(told["items"].is_array() || told["id"].is_string(), "{block}");
    }
}

/// `cdr-delivery.md`: the two lines of openssl make what the box takes.
#[test]
fn the_lines_of_openssl_make_a_secret_and_a_fingerprint_that_the_box_takes() {
    let desk = Desk::new();
    let text = page("cdr-delivery.md");
    let line = |begin: &str| {
        let at = text.find(begin).unwrap();
        text[at..].split('`').next().unwrap().to_owned()
    };
    let secret = desk.types(&line("openssl rand"), &[]);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["head-office.example".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    fs::write(desk.folder().join("cert.pem"), certificate.pem()).unwrap();
    let pin = desk.types(&line("openssl x509"), &[]);
    let expected = callpost::egress::Fingerprint::of(certificate.der()).unwrap();
    assert_eq!(format!("sha256/{}", pin.trim()), expected.to_string());
    let config = format!(
        "[site]\nname = \"b\"\n[[upstream]]\nname = \"head-office\"\ntype = \"webhook\"\nurl = \"https://head-office.example/cdrs\"\n\
         secret = \"whsec_{}\"\ntls_pin = \"sha256/{}\"\n",
        secret.trim(),
        pin.trim()
    );
    fs::write(desk.folder().join("config/callpost.toml"), config).unwrap();
    desk.types("callpost check", &[]);
}

/// S0-166: one binary with its commands in place of a run command for each part.
#[test]
fn every_command_of_the_handbook_exists_with_its_flags() {
    let desk = Desk::new();
    let mut lines = BTreeSet::new();
    for name in pages() {
        let text = page(&name);
        let spans = text.split('`').skip(1).step_by(2).map(str::to_owned);
        let typed = blocks(&name, "sh");
        let typed = typed
            .iter()
            .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.extend(
            spans
                .chain(typed)
                .filter(|line| line.starts_with("callpost ") && !line.contains('\n')),
        );
    }
    assert!(lines.len() > 8, "{lines:?}");
    for line in lines {
        let line = line.split(['#', '>']).next().unwrap().trim().to_owned();
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let is_name = |word: &&&str| word.chars().all(|letter| letter.is_ascii_lowercase());
        let command: Vec<&str> = words.iter().take_while(is_name).take(2).copied().collect();
        let help = desk.types(&format!("callpost {} --help", command.join(" ")), &[]);
        assert!(help.contains("Usage: callpost"), "{line}: {help}");
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{line}: there is no {flag}");
        }
    }
}

fn pages() -> Vec<String> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/handbook");
    let names = fs::read_dir(folder).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
