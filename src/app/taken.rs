//! Who has the port that we want: "address in use" alone sends a technician searching.

use crate::config::Config;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Who has which of the ports that this configuration wants.
///
/// A process that has shut itself in may not look at others any more, so this is found out before.
#[derive(Debug, Clone, Default)]
pub struct Taken(Vec<(SocketAddr, String)>);

impl Taken {
    /// Looks at every address that is to be listened on. Says nothing of those that are free.
    pub fn look(config: &Config) -> Self {
        let sip = config.sip.listen.iter().map(|listen| listen.address);
        let all = sip.chain([config.http.listen]);
        Self(all.filter_map(|at| Some((at, holder_of(at)?.owner()))).collect())
    }

    /// Every address that somebody else has, and who.
    pub(super) fn all(self) -> Vec<(SocketAddr, String)> {
        self.0
    }

    /// Adds to the system's "address in use" who uses it, as far as this user may know.
    pub(super) fn explain(&self, error: io::Error, address: SocketAddr) -> io::Error {
        if error.kind() != ErrorKind::AddrInUse {
            return error;
        }
        let seen = self.0.iter().find(|(at, _)| *at == address);
        let owner = seen.map(|(_, owner)| owner.clone());
        match owner.or_else(|| Some(holder_of(address)?.owner())) {
            Some(owner) => io::Error::new(
                error.kind(),
                format!(
                    "port {} is taken by {owner} — stop it, or choose another port",
                    address.port()
                ),
            ),
            None => error,
        }
    }
}

/// A socket that listens, as the kernel's tables show it (proc(5)). Under `self` they are there even where the unit hides the
/// rest of `/proc`.
#[derive(Debug, PartialEq, Eq)]
struct Holder {
    user: u32,
    inode: u64,
}

fn holder_of(address: SocketAddr) -> Option<Holder> {
    ["udp", "udp6", "tcp", "tcp6"].into_iter().find_map(|table| {
        let table = fs::read_to_string(format!("/proc/self/net/{table}")).ok()?;
        table.lines().skip(1).find_map(|line| holder_in(line, address))
    })
}

/// `sl local_address rem_address st queues tr:when retrnsmt uid timeout inode …`; a socket that listens or is not
/// connected has no port on the other side.
fn holder_in(line: &str, wanted: SocketAddr) -> Option<Holder> {
    let mut fields = line.split_whitespace().skip(1);
    let (ip, port) = fields.next()?.rsplit_once(':')?;
    let remote = fields.next()?.rsplit_once(':')?.1;
    if u16::from_str_radix(port, 16).ok()? != wanted.port() || remote != "0000" || !covers(ip, wanted.ip()) {
        return None;
    }
    let user = fields.nth(4)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some(Holder { user, inode })
}

/// Whether a socket on this address is in the way of one on that. Each group of eight digits is a word in the machine's own
/// order of bytes.
fn covers(hex: &str, wanted: IpAddr) -> bool {
    let words = |bytes: &[u8]| -> String {
        bytes
            .chunks_exact(4)
            .filter_map(|word| Some(u32::from_ne_bytes(word.try_into().ok()?)))
            .map(|word| format!("{word:08X}"))
            .collect()
    };
    let ours = match wanted {
        IpAddr::V4(ip) => words(&ip.octets()),
        IpAddr::V6(ip) => words(&ip.octets()),
    };
    hex == ours || hex.bytes().all(|digit| digit == b'0') || wanted.is_unspecified()
}

impl Holder {
    fn owner(&self) -> String {
        match self.process() {
            Some((pid, name)) => format!("process {pid} ({name})"),
            None => format!("a process of another user (uid {})", self.user),
        }
    }

    /// Found when it belongs to this user, or when this user is root.
    fn process(&self) -> Option<(u32, String)> {
        let wanted = format!("socket:[{}]", self.inode);
        let has_it = |process: &Path| {
            fs::read_dir(process.join("fd"))
                .into_iter()
                .flatten()
                .flatten()
                .any(|fd| fs::read_link(fd.path()).is_ok_and(|link| link == Path::new(&wanted)))
        };
        fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let path = entry.path();
            let name = || fs::read_to_string(path.join("comm")).unwrap_or_default();
            has_it(&path).then(|| (pid, name().trim().to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_tells_who_listens_where() {
        let line = "  45: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000   117        0 28114 2 0 0";
        let holder = Holder {
            user: 117,
            inode: 28_114,
        };
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        if cfg!(target_endian = "little") {
            assert_eq!(holder_in(line, at("127.0.0.1:5060")), Some(holder));
        }
        assert!(
            holder_in(line, at("0.0.0.0:5060")).is_some(),
            "one address is enough"
        );
        assert_eq!(holder_in(line, at("127.0.0.1:5061")), None);
        assert_eq!(holder_in(line, at("127.0.0.2:5060")), None, "another house");
        let everywhere = line.replace("0100007F", "00000000");
        assert!(holder_in(&everywhere, at("127.0.0.2:5060")).is_some());
        let connected = line.replace("00000000:0000", "0200007F:13C4");
        assert_eq!(
            holder_in(&connected, at("127.0.0.1:5060")),
            None,
            "a call to elsewhere is no server"
        );
        assert_eq!(holder_in("  sl  local_address", at("127.0.0.1:5060")), None);
    }

    #[test]
    fn a_taken_port_is_told_with_the_program_that_has_it() {
        let first = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = first.local_addr().unwrap();
        let second = std::net::UdpSocket::bind(address).unwrap_err();
        let told = Taken::default().explain(second, address).to_string();
        assert!(
            told.contains(&format!("by process {} (", std::process::id())),
            "{told}"
        );
    }
}
