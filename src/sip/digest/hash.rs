use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A hash of digest authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// RFC 7616, RFC 8760.
    #[serde(rename = "SHA-256")]
    Sha256,
    /// RFC 2617; for phones that know nothing else.
    #[serde(rename = "MD5")]
    Md5,
}

impl Algorithm {
    /// The box's favourites first.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Md5];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    /// The algorithm of that name, in any case; no name means MD5 (RFC 7616 §3.3).
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        if name.is_empty() {
            return Some(Self::Md5);
        }
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The hash of the parts with colons between them.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> Hashed {
        #[cfg(test)]
        HASHES.with(|count| count.set(count.get() + 1));
        match self {
            Self::Sha256 => Hashed::of(&feed(Sha256::new(), parts)),
            Self::Md5 => Hashed::of(&feed(Md5::new(), parts)),
        }
    }
}

#[cfg(test)]
thread_local! {
    /// How many hashes a test has cost.
    static HASHES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How many hashes this test has cost so far.
#[cfg(test)]
pub(crate) fn hashes() -> u64 {
    HASHES.with(std::cell::Cell::get)
}

fn feed<D: Digest>(mut digest: D, parts: &[&[u8]]) -> impl AsRef<[u8]> + use<D> {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    digest.finalize()
}

/// A hash in the form everybody exchanges it: lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashed {
    text: [u8; 64],
    length: usize,
}

impl Hashed {
    fn of(hash: &impl AsRef<[u8]>) -> Self {
        let mut text = [0; 64];
        let mut length = 0;
        for (byte, place) in hash.as_ref().iter().zip(text.chunks_exact_mut(2)) {
            place.copy_from_slice(&hexadecimal(*byte));
            length += 2;
        }
        Self { text, length }
    }

    /// A hash of this algorithm as it was kept.
    pub(crate) fn from_hex(text: &str, algorithm: Algorithm) -> Option<Self> {
        let length = match algorithm {
            Algorithm::Sha256 => 64,
            Algorithm::Md5 => 32,
        };
        let is_hash = text.len() == length && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let mut kept = [0; 64];
        kept.get_mut(..length)?
            .copy_from_slice(text.to_ascii_lowercase().as_bytes().get(..length)?);
        is_hash.then_some(Self { text: kept, length })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Compares in a time that does not tell where the difference is.
    pub(crate) fn is(&self, claimed: &[u8]) -> bool {
        self.as_bytes().ct_eq(&claimed.to_ascii_lowercase()).into()
    }
}

/// Two digits for a byte.
pub(crate) fn hexadecimal(byte: u8) -> [u8; 2] {
    let digits = b"0123456789abcdef";
    [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]
}

/// What of a request goes into its response (RFC 7616 §3.4.1).
pub(crate) struct Signed<'a> {
    pub(crate) nonce: &'a [u8],
    pub(crate) method: &'a [u8],
    pub(crate) uri: &'a [u8],
    /// `nc` and `cnonce` of `qop=auth`; nothing for the form of RFC 2069.
    pub(crate) counted: Option<(&'a [u8], &'a [u8])>,
    /// The body, for `qop=auth-int`.
    pub(crate) body: Option<&'a [u8]>,
}

impl Signed<'_> {
    /// The response that somebody who knows `ha1` gives.
    pub(crate) fn response(&self, algorithm: Algorithm, ha1: &Hashed) -> Hashed {
        let (qop, ha2): (&[u8], _) = match self.body {
            Some(body) => {
                let body = algorithm.hash(&[body]);
                (
                    b"auth-int",
                    algorithm.hash(&[self.method, self.uri, body.as_bytes()]),
                )
            }
            None => (b"auth", algorithm.hash(&[self.method, self.uri])),
        };
        match self.counted {
            Some((nc, cnonce)) => {
                algorithm.hash(&[ha1.as_bytes(), self.nonce, nc, cnonce, qop, ha2.as_bytes()])
            }
            None => algorithm.hash(&[ha1.as_bytes(), self.nonce, ha2.as_bytes()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::digest::Ha1;

    #[test]
    fn the_examples_of_rfc_7616_3_9_1_come_out() {
        let ha1 = Ha1::new("Mufasa", "http-auth@example.org", "Circle of Life");
        let signed = Signed {
            nonce: b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            method: b"GET",
            uri: b"/dir/index.html",
            counted: Some((b"00000001", b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
            body: None,
        };
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                Algorithm::Sha256,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            assert_eq!(signed.response(algorithm, ha1.of(algorithm)).as_str(), response);
        }
    }

    #[test]
    fn the_example_of_rfc_2617_3_5_comes_out() {
        let ha1 = Ha1::new("Mufasa", "testrealm@host.com", "Circle Of Life");
        let signed = Signed {
            nonce: b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
            method: b"GET",
            uri: b"/dir/index.html",
            counted: Some((b"00000001", b"0a4f113b")),
            body: None,
        };
        let response = signed.response(Algorithm::Md5, ha1.of(Algorithm::Md5));
        assert!(response.is(b"6629fae49393a05397450978507c4ef1"));
        assert!(response.is(b"6629FAE49393A05397450978507C4EF1"));
        assert!(!response.is(b"6629fae49393a05397450978507c4ef2"));
        assert!(!response.is(b""));
    }
}
