//! The servers, each on a free loopback port and in a folder of its own, ended by its process id.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running server.
pub(crate) struct Server {
    pub(crate) port: u16,
    folder: TempDir,
    child: Child,
}

const STARTING: Duration = Duration::from_secs(60);
/// The key that every azurite has.
const AZURITE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

impl Server {
    /// S3 with the empty bucket `rec`; nothing when moto is not installed.
    pub(crate) fn s3() -> Option<Self> {
        let program = peer("venv/bin/moto_server")?;
        let server = Self::start(|port, _| {
            let mut command = Command::new(&program);
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            command
        });
        server.ask("PUT", "/rec", &[], b"");
        Some(server)
    }

    /// Azure with the empty container `rec`.
    pub(crate) fn azure() -> Option<Self> {
        let program = peer("node_modules/.bin/azurite-blob")?;
        let server = Self::start(|port, folder| {
            let mut command = Command::new(&program);
            command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
            command.args([
                "--silent",
                "--skipApiVersionCheck",
                "--disableTelemetry",
                "--location",
            ]);
            command.arg(folder);
            command
        });
        server.make_container();
        Some(server)
    }

    /// A WebDAV folder `/rec` by Apache; the user `box` with the password `hush`.
    pub(crate) fn webdav() -> Option<Self> {
        let program = PathBuf::from("/usr/sbin/apache2");
        if !program.exists() {
            return None;
        }
        Some(Self::start(|port, folder| {
            fs::create_dir_all(folder.join("files/rec")).unwrap();
            fs::create_dir_all(folder.join("locks")).unwrap();
            let place = folder.display();
            let modules = "/usr/lib/apache2/modules";
            let load: String = [
                "mpm_event",
                "authn_core",
                "authn_file",
                "auth_basic",
                "authz_core",
                "authz_user",
                "dav",
                "dav_fs",
            ]
            .iter()
            .map(|name| format!("LoadModule {name}_module {modules}/mod_{name}.so\n"))
            .collect();
            // `hush`, as `htpasswd -s` writes it.
            fs::write(folder.join("users"), format!("box:{}\n", sha1_of_hush())).unwrap();
            let config = format!(
                "{load}ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {place}/pid\nErrorLog {place}/error.log\n\
                 DavLockDB {place}/locks/db\nDocumentRoot {place}/files\nServerRoot {place}\nMutex file:{place}/locks\n\
                 <Directory {place}/files>\nDav On\nAuthType Basic\nAuthName rec\nAuthUserFile {place}/users\n\
                 Require valid-user\n</Directory>\n"
            );
            let file = folder.join("apache.conf");
            fs::write(&file, config).unwrap();
            // It would give up being root, and the folder is ours alone.
            let mut command = Command::new(&program);
            command.args(["-DFOREGROUND", "-f"]).arg(file);
            allow_root(folder);
            command
        }))
    }

    fn start(command: impl Fn(u16, &Path) -> Command) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("callpost-peer-")
            .tempdir()
            .unwrap();
        let port = free_port();
        let mut command = command(port, folder.path());
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let end = Instant::now() + STARTING;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < end, "the server does not answer: {command:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { port, folder, child }
    }

    /// What lies below the served folder of Apache.
    pub(crate) fn served(&self, path: &str) -> PathBuf {
        self.folder.path().join("files/rec").join(path)
    }

    /// One request by hand; the status and the body.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n",
            self.port
        );
        if !headers.iter().any(|(name, _)| *name == "Authorization") {
            // moto wants to know who asks, and does not check it.
            head.push_str(
                "Authorization: AWS4-HMAC-SHA256 Credential=key/20261120/us-east-1/s3/aws4_request, \
                 SignedHeaders=host, Signature=0\r\n",
            );
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_off(end + 4))
    }

    /// A container has to be made with a signature (Shared Key).
    fn make_container(&self) {
        let date = "Fri, 20 Nov 2026 12:00:00 GMT";
        let version = "2021-08-06";
        let text = format!(
            "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{version}\n\
             /devstoreaccount1/devstoreaccount1/rec\nrestype:container"
        );
        let base64 = base64::engine::general_purpose::STANDARD;
        let key = base64.decode(AZURITE_KEY).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(text.as_bytes());
        let signature = base64.encode(mac.finalize().into_bytes());
        let authorization = format!("SharedKey devstoreaccount1:{signature}");
        let headers = [
            ("x-ms-date", date),
            ("x-ms-version", version),
            ("Authorization", authorization.as_str()),
        ];
        let (status, body) = self.ask("PUT", "/devstoreaccount1/rec?restype=container", &headers, b"");
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
    }
}

/// The section of a place, reached at this port.
pub(crate) fn section(kind: &str, port: u16, more: &str) -> String {
    let head = format!("name = 'place'\ntype = '{kind}'\nkilobytes_per_second = 200000\n{more}\n");
    let rest = match kind {
        "s3" => format!("url = 'http://127.0.0.1:{port}'\nbucket = 'rec'\nuser = 'key'\nsecret = 'hush'\n"),
        "gcs" => format!("url = 'http://127.0.0.1:{port}'\nbucket = 'rec'\ntoken = 'hush'\n"),
        "azure" => format!(
            "url = 'http://127.0.0.1:{port}/devstoreaccount1'\nbucket = 'rec'\nuser = 'devstoreaccount1'\n\
             secret = '{AZURITE_KEY}'\n"
        ),
        _ => format!("url = 'http://127.0.0.1:{port}/rec'\nuser = 'box'\npassword = 'hush'\n"),
    };
    head + &rest
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its children go with it: the group is its own.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().port()
}

/// Where `setup-peers.sh storages` puts them.
fn peer(program: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"),
        PathBuf::from,
    );
    let path = cache.join("callpost-peers/storages").join(program);
    path.exists().then_some(path)
}

fn sha1_of_hush() -> &'static str {
    "{SHA}HyHjC/2o54DBcrn3W367/BjmyHk="
}

/// Apache's children are nobody; what they write to has to be theirs.
fn allow_root(folder: &Path) {
    let status = Command::new("chmod")
        .args(["-R", "a+rwX"])
        .arg(folder)
        .status()
        .unwrap();
    assert!(status.success());
}
