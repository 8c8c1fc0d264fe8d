use super::hash::{Algorithm, Signed};
use super::nonce::Nonces;
use super::{Ha1, hash};
use crate::model::Dice;
use crate::sip::headers::Credentials;
use crate::sip::message::Message;
use crate::sip::method::Method;
use crate::sip::text::unquote;
use crate::sip::uri::Uri;
use crate::sip::write::Quoted;
use std::fmt;
use std::net::IpAddr;
use std::time::Instant;

/// Asks who is there and judges the answer (RFC 3261 §22.2). One for each realm.
///
/// ACK and CANCEL are never challenged (§22.1): an ACK repeats the credentials of its INVITE.
pub struct Authenticator {
    realm: String,
    /// What is offered, in this order, and nothing else accepted (no downgrade).
    algorithms: Vec<Algorithm>,
    nonces: Nonces,
    /// Stands in for accounts that do not exist, so that they cost the same time.
    decoy: Ha1,
}

/// What credentials are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is who it says it is.
    Ok,
    /// The password is right, but the nonce too old or used up; or the nonce is not ours for this address, and the
    /// password was not looked at: challenge again with `stale`. No failure to count.
    Stale,
    /// Wrong in any other way, or nobody of that name: challenge again, and count it.
    Wrong,
}

impl Authenticator {
    /// An authenticator with a secret of its own.
    pub fn new(realm: &str, algorithms: &[Algorithm], now: Instant, dice: &mut Dice) -> Self {
        let decoy = Ha1::new(&dice.token(), realm, &dice.token());
        Self {
            realm: realm.to_owned(),
            algorithms: algorithms.to_vec(),
            nonces: Nonces::new(now, dice),
            decoy,
        }
    }

    /// The realm it speaks for.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The values of the WWW-Authenticate (or Proxy-Authenticate) headers, in the order to send them: the favourite
    /// first, the others for those who cannot (RFC 8760 §2.4).
    pub fn challenge(&mut self, now: Instant, source: IpAddr, stale: bool) -> Vec<String> {
        let algorithms = std::mem::take(&mut self.algorithms);
        let challenges = self.challenge_by(now, source, stale, &algorithms);
        self.algorithms = algorithms;
        challenges
    }

    /// The same, asking for these algorithms alone.
    pub fn challenge_by(
        &mut self,
        now: Instant,
        source: IpAddr,
        stale: bool,
        algorithms: &[Algorithm],
    ) -> Vec<String> {
        let nonce = self.nonces.mint(now, source);
        let stale = if stale { ", stale=true" } else { "" };
        let offer = |algorithm: &Algorithm| {
            let (realm, name) = (Quoted(&self.realm), algorithm.as_str());
            format!("Digest realm={realm}, nonce=\"{nonce}\", algorithm={name}, qop=\"auth\"{stale}")
        };
        algorithms.iter().map(offer).collect()
    }

    /// Judges the credentials of a request that came from `source`; `account` is what is kept for
    /// [`Credentials::user`], if there is such a user.
    ///
    /// The work done is the same for users who exist and who do not.
    pub fn verify(
        &mut self,
        now: Instant,
        source: IpAddr,
        request: &Message<'_>,
        credentials: &Credentials<'_>,
        account: Option<&Ha1>,
    ) -> Verdict {
        // A nonce that was never given to this address is not worth a look, right password or wrong: nobody can try
        // passwords without being counted, nor be counted under another's address.
        let Some(nonce) = self.nonces.recognise(source, credentials.nonce) else {
            return Verdict::Stale;
        };
        let named = Algorithm::from_name(credentials.algorithm);
        let Some(algorithm) = named.filter(|algorithm| self.algorithms.contains(algorithm)) else {
            return Verdict::Wrong;
        };
        let Some(count) = self.count_of_sound(request, credentials) else {
            return Verdict::Wrong;
        };
        let expected = expected(algorithm, request, credentials, account.unwrap_or(&self.decoy));
        let right = expected.is(credentials.response) & account.is_some();
        if !right {
            return Verdict::Wrong;
        }
        // Only now: whoever does not know the password learns nothing of nonces and leaves nothing in the table.
        match self.nonces.use_up(now, nonce, count) {
            true => Verdict::Ok,
            false => Verdict::Stale,
        }
    }

    /// The use count of credentials that are for this realm, this request and in the form that was asked for.
    fn count_of_sound(&self, request: &Message<'_>, credentials: &Credentials<'_>) -> Option<u32> {
        let sound = unquote(credentials.realm) == self.realm
            && (credentials.qop.eq_ignore_ascii_case(b"auth") || protects_body(credentials))
            && !credentials.cnonce.is_empty()
            && is_for(credentials.uri, request);
        credentials.nonce_count().filter(|_| sound)
    }
}

/// Whether the body was signed too. That is not asked for, because many phones cannot, but verified where it is done.
fn protects_body(credentials: &Credentials<'_>) -> bool {
    credentials.qop.eq_ignore_ascii_case(b"auth-int")
}

fn expected(
    algorithm: Algorithm,
    request: &Message<'_>,
    credentials: &Credentials<'_>,
    ha1: &Ha1,
) -> hash::Hashed {
    let signed = Signed {
        nonce: credentials.nonce,
        method: request.method().as_str().as_bytes(),
        uri: credentials.uri,
        counted: Some((credentials.nc, credentials.cnonce)),
        body: protects_body(credentials).then_some(request.body()),
    };
    signed.response(algorithm, ha1.of(algorithm))
}

/// Whether the `uri` that was signed is the Request-URI (RFC 7616 §3.4.6). A REGISTER may name the registrar's
/// domain in any form, with or without port and parameters.
fn is_for(signed: &[u8], request: &Message<'_>) -> bool {
    let Some(asked) = request.request_uri() else {
        return false;
    };
    if asked.as_bytes() == signed {
        return true;
    }
    let Ok(signed) = Uri::parse(signed) else {
        return false;
    };
    let same_domain = signed.host().is_some() && signed.host() == asked.host();
    asked.is_same(&signed) || (request.method() == Method::Register && same_domain)
}

/// Shows the realm and nothing secret.
impl fmt::Debug for Authenticator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Authenticator({})", self.realm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::digest::{Secret, answer};
    use crate::sip::headers::Challenge;
    use std::time::Duration;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    /// An authenticator, an account of user 1001, and a phone that knows the password.
    struct World {
        authenticator: Authenticator,
        account: Ha1,
        now: Instant,
    }

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
    fn world() -> World {
        let now = Instant::now();
        let authenticator = Authenticator::new("callpost", &Algorithm::ALL, now, &mut Dice::from_number(7));
        World {
            authenticator,
            account: Ha1::new("1001", "callpost", "secret"),
            now,
        }
    }

    fn signed(challenge: &str, password: &str, uri: &str, count: u32) -> String {
        let challenges = Challenge::parse(challenge.as_bytes()).unwrap();
        answer(
            &challenges,
            "1001",
            Secret::Password(password),
            Method::Register,
            uri,
            count,
            "c0ffee",
        )
        .unwrap()
    }

    fn register(authorization: &str) -> String {
        format!(
            "REGISTER sip:callpost SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:1001@callpost>;tag=1\r\n\
             To: <sip:1001@callpost>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nAuthorization: {authorization}\r\n\r\n"
        )
    }

    impl World {
        fn judge(&mut self, authorization: &str) -> Verdict {
            self.judge_from(HERE, authorization)
        }

        fn judge_from(&mut self, source: IpAddr, authorization: &str) -> Verdict {
            let text = register(authorization);
            let message = Message::parse(text.as_bytes()).unwrap();
            let credentials = message.authorization("callpost").unwrap().unwrap();
            let account = Some(&self.account).filter(|_| credentials.user() == "1001");
            self.authenticator
                .verify(self.now, source, &message, &credentials, account)
        }

        fn challenges(&mut self) -> [String; 2] {
            self.authenticator
                .challenge(self.now, HERE, false)
                .try_into()
                .unwrap()
        }
    }

    #[test]
    fn a_phone_that_knows_the_password_is_let_in_by_either_algorithm() {
        let mut world = world();
        for place in [0, 1] {
            let challenge = world.challenges()[place].clone();
            let [first, second] = [1, 2].map(|count| signed(&challenge, "secret", "sip:callpost", count));
            assert_eq!(world.judge(&first), Verdict::Ok);
            assert_eq!(world.judge(&first), Verdict::Stale, "replayed");
            assert_eq!(world.judge(&second), Verdict::Ok);
        }
    }

    #[test]
    fn sha_256_is_offered_first_and_stale_is_said() {
        let mut world = world();
        let [first, second]: [String; 2] = world
            .authenticator
            .challenge(world.now, HERE, true)
            .try_into()
            .unwrap();
        assert!(first.contains("algorithm=SHA-256") && first.ends_with("stale=true"));
        assert!(second.contains("algorithm=MD5") && second.contains("qop=\"auth\""));
        assert!(!world.challenges()[0].contains("stale"));
    }

    #[test]
    fn a_wrong_password_and_an_unknown_user_look_the_same() {
        let mut world = world();
        let [challenge, _] = world.challenges();
        assert_eq!(
            world.judge(&signed(&challenge, "Secret", "sip:callpost", 1)),
            Verdict::Wrong
        );
        let stranger =
            signed(&challenge, "secret", "sip:callpost", 1).replace("username=\"1001\"", "username=\"9999\"");
        assert_eq!(world.judge(&stranger), Verdict::Wrong);
        assert_eq!(
            world.judge(&signed(&challenge, "secret", "sip:callpost", 1)),
            Verdict::Ok,
            "nothing was used up"
        );
    }

    #[test]
    fn old_foreign_and_made_up_nonces_are_stale_for_those_who_know_the_password() {
        let mut world = world();
        let [challenge, _] = world.challenges();
        let good = signed(&challenge, "secret", "sip:callpost", 1);
        assert_eq!(world.judge_from(THERE, &good), Verdict::Stale);
        world.now += Duration::from_secs(61);
        assert_eq!(world.judge(&good), Verdict::Stale);
        assert_eq!(
            world.judge(&signed(&challenge, "wrong", "sip:callpost", 1)),
            Verdict::Wrong
        );
        let made_up = "Digest realm=\"callpost\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth\"";
        assert_eq!(
            world.judge(&signed(made_up, "secret", "sip:callpost", 1)),
            Verdict::Stale
        );
    }

    #[test]
    fn the_signed_uri_is_the_one_asked_for() {
        let mut world = world();
        for (uri, verdict) in [
            ("sip:CALLPOST", Verdict::Ok),
            ("sip:callpost:5060;transport=udp", Verdict::Ok),
            ("sip:elsewhere", Verdict::Wrong),
            ("tel:1001", Verdict::Wrong),
            ("", Verdict::Wrong),
        ] {
            let [challenge, _] = world.challenges();
            assert_eq!(
                world.judge(&signed(&challenge, "secret", uri, 1)),
                verdict,
                "{uri}"
            );
        }
    }

    #[test]
    fn weaker_forms_than_offered_are_refused() {
        let mut world = world();
        let [challenge, _] = world.challenges();
        let good = signed(&challenge, "secret", "sip:callpost", 1);
        for (from, to) in [
            ("qop=auth", "qop=auth-int"),
            ("qop=auth, ", ""),
            ("nc=00000001", "nc=1"),
            ("cnonce=\"c0ffee\"", "cnonce=\"\""),
            ("algorithm=SHA-256", "algorithm=MD5"),
            ("algorithm=SHA-256", "algorithm=SHA-256-sess"),
            ("response=\"", "response=\"0"),
        ] {
            let bent = good.replace(from, to);
            assert_ne!(bent, good, "{from}");
            assert_eq!(world.judge(&bent), Verdict::Wrong, "{to}");
        }
        let old_form = challenge.replace(", qop=\"auth\"", "");
        assert_eq!(
            world.judge(&signed(&old_form, "secret", "sip:callpost", 1)),
            Verdict::Wrong,
            "RFC 2069"
        );
        assert_eq!(world.judge(&good), Verdict::Ok);
    }

    #[test]
    fn a_signed_body_is_verified() {
        let mut world = world();
        for (body, verdict) in [("v=0", Verdict::Ok), ("v=1", Verdict::Wrong)] {
            let challenge = world.challenges()[0].clone();
            let (_, rest) = challenge.split_once("nonce=\"").unwrap();
            let nonce = rest.split('"').next().unwrap();
            let signed = super::super::hash::Signed {
                nonce: nonce.as_bytes(),
                method: b"REGISTER",
                uri: b"sip:callpost",
                counted: Some((b"00000001", b"x")),
                body: Some(b"v=0"),
            };
            let response = signed.response(Algorithm::Sha256, world.account.of(Algorithm::Sha256));
            let text = register(&format!(
                "Digest username=\"1001\", realm=\"callpost\", nonce=\"{nonce}\", uri=\"sip:callpost\", \
                 response=\"{}\", algorithm=SHA-256, qop=auth-int, cnonce=\"x\", nc=00000001",
                response.as_str()
            )) + body;
            let message = Message::parse(text.as_bytes()).unwrap();
            let credentials = message.authorization("callpost").unwrap().unwrap();
            let account = world.account.clone();
            let judged = world
                .authenticator
                .verify(world.now, HERE, &message, &credentials, Some(&account));
            assert_eq!(judged, verdict, "{body}");
        }
    }

    #[test]
    fn only_what_is_offered_is_accepted() {
        let mut world = world();
        let [strong, _] = world.challenges();
        let answer = signed(&strong, "secret", "sip:callpost", 1);
        world.authenticator.algorithms = vec![Algorithm::Md5];
        assert_eq!(world.judge(&answer), Verdict::Wrong);
        assert_eq!(world.authenticator.challenge(world.now, HERE, false).len(), 1);
        world.authenticator.algorithms = Algorithm::ALL.to_vec();
        assert_eq!(world.judge(&answer), Verdict::Ok);
    }

    #[test]
    fn nothing_secret_is_shown() {
        let world = world();
        assert_eq!(
            format!("{:?} {:?}", world.authenticator, world.account),
            "Authenticator(callpost) Ha1"
        );
    }
}
