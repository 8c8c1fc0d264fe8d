//! PostgreSQL, nats-server and mosquitto as Debian ships them, each on a free loopback port and in a folder of its own,
//! killed and started again at will, ended by its process id.
#![expect(
    clippy::unwrap_used,
    reason = "a server that does not start should stop the test"
)]

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running server.
pub(super) struct Server {
    kind: Kind,
    pub(super) port: u16,
    folder: TempDir,
    child: Option<Child>,
}

/// What is served, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The user `callpost` with the password `hush`, the database `cdrs`.
    Postgres { tls: bool },
    /// JetStream; a message is at most 64 KiB. With `login`, the user `box` with the password `hush`.
    Nats { tls: bool, login: bool },
    /// Sessions and messages that outlive a restart.
    Mosquitto { tls: bool, login: bool },
}

const STARTING: Duration = Duration::from_secs(60);

impl Server {
    pub(super) fn start(kind: Kind) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("callpost-peer-")
            .tempdir()
            .unwrap();
        let mut server = Self {
            kind,
            port: free_port(),
            folder,
            child: None,
        };
        server.prepare();
        server.start_again();
        server
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The authority that signed the server's certificate.
    pub(super) fn authority(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// SIGKILL, as a power cut would have it.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// An orderly end: what it holds in memory is written first. PostgreSQL would wait for its clients at SIGTERM.
    pub(super) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let signal = match self.kind {
                Kind::Postgres { .. } => "-INT",
                Kind::Nats { .. } | Kind::Mosquitto { .. } => "-TERM",
            };
            let status = Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status();
            assert!(status.unwrap().success());
            child.wait().unwrap();
        }
    }

    /// On the same port and with the same files.
    pub(super) fn start_again(&mut self) {
        let deadline = Instant::now() + STARTING;
        loop {
            let mut child = self.command().stdin(Stdio::null()).spawn().unwrap();
            while child.try_wait().unwrap().is_none() {
                if self.is_ready() {
                    self.child = Some(child);
                    return;
                }
                assert!(
                    Instant::now() < deadline,
                    "the server does not start: {}",
                    self.log()
                );
                std::thread::sleep(Duration::from_millis(20));
            }
            // What a killed one left behind may be in the way for a moment.
            assert!(
                Instant::now() < deadline,
                "the server ends at once: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    fn prepare(&self) {
        let folder = self.folder();
        match self.kind {
            Kind::Postgres { tls } => {
                if tls {
                    make_certificates(folder);
                }
                give_to_postgres(folder);
                fs::write(folder.join("password"), "hush").unwrap();
                let status = as_postgres(Command::new(postgres("initdb")))
                    .args([
                        "-U",
                        "callpost",
                        "-A",
                        "scram-sha-256",
                        "--no-sync",
                        "-E",
                        "UTF8",
                        "--locale=C.UTF-8",
                    ])
                    .arg("--pwfile")
                    .arg(folder.join("password"))
                    .arg("-D")
                    .arg(folder.join("data"))
                    .stdout(Stdio::null())
                    .status()
                    .unwrap();
                assert!(status.success(), "initdb failed");
                let text = format!(
                    "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nshared_buffers = 32MB\nmax_connections = 1100\n{}",
                    if tls {
                        "ssl = on\nssl_cert_file = '../cert.pem'\nssl_key_file = '../key.pem'\n"
                    } else {
                        ""
                    }
                );
                fs::write(folder.join("data/postgresql.auto.conf"), text).unwrap();
            }
            Kind::Nats { tls, login } => {
                if tls {
                    make_certificates(folder);
                }
                let mut text = format!(
                    "listen: \"127.0.0.1:{}\"\nmax_payload: 65536\nmax_connections: 2000\njetstream {{ store_dir: \"{}\" }}\n",
                    self.port,
                    folder.join("jetstream").display()
                );
                if tls {
                    text += &format!(
                        "tls {{ cert_file: \"{0}/cert.pem\", key_file: \"{0}/key.pem\" }}\n",
                        folder.display()
                    );
                }
                if login {
                    text += "authorization { user: box, password: hush }\n";
                }
                fs::write(folder.join("conf"), text).unwrap();
            }
            Kind::Mosquitto { tls, login } => {
                if tls {
                    make_certificates(folder);
                }
                let mut text = format!(
                    "listener {} 127.0.0.1\npersistence true\npersistence_location {}/\nautosave_on_changes true\nautosave_interval 1\nmax_queued_messages 0\nlog_type all\nuser root\n",
                    self.port,
                    folder.display()
                );
                if tls {
                    text += &format!("certfile {0}/cert.pem\nkeyfile {0}/key.pem\n", folder.display());
                }
                if login {
                    let status = Command::new("mosquitto_passwd")
                        .args(["-b", "-c"])
                        .arg(folder.join("passwords"))
                        .args(["box", "hush"])
                        .status();
                    assert!(status.unwrap().success(), "mosquitto_passwd failed");
                    text += &format!("password_file {}/passwords\n", folder.display());
                } else {
                    text += "allow_anonymous true\n";
                }
                fs::write(folder.join("conf"), text).unwrap();
            }
        }
    }

    fn command(&self) -> Command {
        let folder = self.folder();
        let mut command = match self.kind {
            Kind::Postgres { .. } => {
                let mut command = as_postgres(Command::new(postgres("postgres")));
                command
                    .arg("-D")
                    .arg(folder.join("data"))
                    .args(["-p", &self.port.to_string()]);
                command
            }
            Kind::Nats { .. } => {
                let mut command = Command::new(program("nats-server"));
                command.arg("-c").arg(folder.join("conf"));
                command
            }
            Kind::Mosquitto { .. } => {
                let mut command = Command::new(program("mosquitto"));
                command.arg("-c").arg(folder.join("conf"));
                command
            }
        };
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        command
    }

    fn is_ready(&self) -> bool {
        match self.kind {
            Kind::Postgres { .. } => as_postgres(Command::new(postgres("pg_isready")))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .is_ok_and(|status| status.success()),
            Kind::Nats { .. } | Kind::Mosquitto { .. } => {
                TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port nobody listens on now.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Debian keeps servers where only root looks for them.
fn program(name: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin"]);
    folders
        .map(|folder| Path::new(folder).join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: run tests/peers/setup-peers.sh"))
}

/// The newest PostgreSQL of the machine.
fn postgres(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed: run tests/peers/setup-peers.sh");
    versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|program| program.is_file())
        .max()
        .expect("PostgreSQL is not installed: run tests/peers/setup-peers.sh")
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")))
}

/// PostgreSQL refuses to run as root.
fn as_postgres(mut command: Command) -> Command {
    if is_root() {
        let (user, group) = postgres_user();
        command.uid(user).gid(group);
    }
    command
}

fn postgres_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let parts: Vec<&str> = line.split(':').collect();
    (parts[2].parse().unwrap(), parts[3].parse().unwrap())
}

fn give_to_postgres(folder: &Path) {
    if !is_root() {
        return;
    }
    let (user, group) = postgres_user();
    std::os::unix::fs::chown(folder, Some(user), Some(group)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        std::os::unix::fs::chown(entry.unwrap().path(), Some(user), Some(group)).unwrap();
    }
}

/// `ca.pem`, and `cert.pem` with `key.pem` for `localhost` and 127.0.0.1 signed by it.
pub(super) fn make_certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let status = Command::new("openssl")
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "openssl {arguments:?} failed");
    };
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ];
    let authority = [
        "req",
        "-x509",
        "-subj",
        "/CN=Test authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ];
    openssl(&[&authority[..], &key[..]].concat());
    let server = [
        "req",
        "-x509",
        "-subj",
        "/CN=localhost",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    openssl(&[&server[..], &key[..]].concat());
}
