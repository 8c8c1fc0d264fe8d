use super::Ha1;
use super::hash::{Algorithm, Signed};
use crate::sip::headers::Challenge;
use crate::sip::method::Method;
use crate::sip::text::text;
use crate::sip::write::Quoted;
use std::fmt::Write as _;

/// What we know that proves who we are.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// The password.
    Password(&'a str),
    /// What was derived from it, for the challenge's realm.
    Ha1(&'a Ha1),
}

/// The value of an Authorization (or Proxy-Authorization) header that answers one of these challenges
/// (RFC 3261 §22.2): the first with SHA-256, else the first with MD5. Nothing when none can be answered.
///
/// `count` is how often this nonce has been answered, from 1; `cnonce` is fresh chance. That the challenge comes
/// from somebody who may have our answer is for the caller to know.
pub fn answer(
    challenges: &[Challenge<'_>],
    user: &str,
    secret: Secret<'_>,
    method: Method<'_>,
    uri: &str,
    count: u32,
    cnonce: &str,
) -> Option<String> {
    let (algorithm, challenge) = choose(challenges)?;
    let fresh;
    let ha1 = match secret {
        Secret::Ha1(ha1) => ha1,
        Secret::Password(password) => {
            fresh = Ha1::new(user, &challenge.realm_text(), password);
            &fresh
        }
    };
    let nc = format!("{count:08x}");
    let counted = (!challenge.qop.is_empty()).then_some((nc.as_bytes(), cnonce.as_bytes()));
    let signed = Signed {
        nonce: challenge.nonce,
        method: method.as_str().as_bytes(),
        uri: uri.as_bytes(),
        counted,
        body: None,
    };
    let response = signed.response(algorithm, ha1.of(algorithm));
    Some(header(
        challenge,
        user,
        uri,
        response.as_str(),
        counted.map(|_| (nc.as_str(), cnonce)),
    ))
}

fn choose<'c, 'a>(challenges: &'c [Challenge<'a>]) -> Option<(Algorithm, &'c Challenge<'a>)> {
    let usable = |challenge: &&Challenge<'_>| challenge.qop.is_empty() || challenge.offers_qop("auth");
    Algorithm::ALL.into_iter().find_map(|algorithm| {
        let mut fitting = challenges.iter().filter(usable);
        let found = fitting.find(|challenge| Algorithm::from_name(challenge.algorithm) == Some(algorithm));
        found.map(|challenge| (algorithm, challenge))
    })
}

/// Quoted values of the challenge go back as they came, pairs unresolved.
fn header(
    challenge: &Challenge<'_>,
    user: &str,
    uri: &str,
    response: &str,
    counted: Option<(&str, &str)>,
) -> String {
    let (realm, nonce) = (text(challenge.realm), text(challenge.nonce));
    let mut value = format!(
        "Digest username={}, realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\"",
        Quoted(user)
    );
    // Writing to a string cannot fail.
    if !challenge.algorithm.is_empty() {
        let _ = write!(value, ", algorithm={}", text(challenge.algorithm));
    }
    if let Some(opaque) = challenge.opaque {
        let _ = write!(value, ", opaque=\"{}\"", text(opaque));
    }
    if let Some((nc, cnonce)) = counted {
        let _ = write!(value, ", qop=auth, cnonce=\"{cnonce}\", nc={nc}");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(challenge: &str, secret: Secret<'_>) -> Option<String> {
        let challenges = Challenge::parse(challenge.as_bytes()).unwrap();
        answer(
            &challenges,
            "bob",
            secret,
            Method::Register,
            "sip:registrar.biloxi.com",
            1,
            "0a4f113b",
        )
    }

    #[test]
    fn the_stronger_algorithm_is_chosen_wherever_it_stands() {
        let both = r#"Digest realm="x", nonce="1", algorithm=MD5, qop="auth", Digest realm="x", nonce="2", algorithm=sha-256, qop="auth-int, auth""#;
        let value = answered(both, Secret::Password("zanzibar")).unwrap();
        assert!(
            value.contains("nonce=\"2\"") && value.contains("algorithm=sha-256"),
            "{value}"
        );
        assert!(
            value.ends_with("qop=auth, cnonce=\"0a4f113b\", nc=00000001"),
            "{value}"
        );
    }

    #[test]
    fn an_old_server_gets_the_old_form() {
        let old = r#"Digest realm="biloxi.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc""#;
        let value = answered(old, Secret::Password("zanzibar")).unwrap();
        let ha1 = Ha1::new("bob", "biloxi.com", "zanzibar");
        assert_eq!(answered(old, Secret::Ha1(&ha1)).unwrap(), value);
        assert!(
            value.ends_with(", opaque=\"5ccc\"") && !value.contains("qop") && !value.contains("algorithm"),
            "{value}"
        );
    }

    #[test]
    fn what_cannot_be_answered_is_not() {
        for bad in [
            r#"Digest realm="x", nonce="1", algorithm=SHA-512-256"#,
            r#"Digest realm="x", nonce="1", qop="auth-int""#,
            r#"Basic realm="x""#,
        ] {
            assert_eq!(answered(bad, Secret::Password("p")), None, "{bad}");
        }
    }
}
