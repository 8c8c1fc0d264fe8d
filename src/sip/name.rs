use std::fmt;

/// Declares the known header names: variant, name, compact form (or empty), where it is defined.
macro_rules! names {
    ($($variant:ident $text:literal $compact:literal $standard:literal)*) => {
        /// The name of a header. Known names are one word of memory to compare; others are kept as they came.
        ///
        /// Use [`Name::from_token`] to make one from text: names are equal in any case, and a compact name is
        /// the same as its long form (RFC 3261 §7.3.1, §7.3.3).
        #[derive(Debug, Clone, Copy)]
        pub enum Name<'a> {
            $(
                #[doc = concat!("`", $text, "`, ", $standard, ".")]
                $variant,
            )*
            /// A header this box does not know.
            Other(&'a str),
        }

        const KNOWN: &[(Name<'static>, &str, &str)] = &[$((Name::$variant, $text, $compact)),*];

        impl<'a> Name<'a> {
            /// The full name in its canonical spelling, or an unknown one as it came.
            pub fn as_str(&self) -> &'a str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }

            /// The full name for an error message; an unknown one is just a `header`.
            pub(crate) fn label(&self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(_) => "header",
                }
            }
        }
    };
}

names! {
    Accept               "Accept"               ""  "RFC 3261 §20.1"
    AcceptContact        "Accept-Contact"       "a" "RFC 3841 §9.2"
    AcceptEncoding       "Accept-Encoding"      ""  "RFC 3261 §20.2"
    AcceptLanguage       "Accept-Language"      ""  "RFC 3261 §20.3"
    AlertInfo            "Alert-Info"           ""  "RFC 3261 §20.4"
    Allow                "Allow"                ""  "RFC 3261 §20.5"
    AllowEvents          "Allow-Events"         "u" "RFC 6665 §8.2.2"
    AnswerMode           "Answer-Mode"          ""  "RFC 5373 §4"
    AuthenticationInfo   "Authentication-Info"  ""  "RFC 3261 §20.6"
    Authorization        "Authorization"        ""  "RFC 3261 §20.7"
    CallId               "Call-ID"              "i" "RFC 3261 §20.8"
    CallInfo             "Call-Info"            ""  "RFC 3261 §20.9"
    Contact              "Contact"              "m" "RFC 3261 §20.10"
    ContentDisposition   "Content-Disposition"  ""  "RFC 3261 §20.11"
    ContentEncoding      "Content-Encoding"     "e" "RFC 3261 §20.12"
    ContentLanguage      "Content-Language"     ""  "RFC 3261 §20.13"
    ContentLength        "Content-Length"       "l" "RFC 3261 §20.14"
    ContentType          "Content-Type"         "c" "RFC 3261 §20.15"
    CSeq                 "CSeq"                 ""  "RFC 3261 §20.16"
    Date                 "Date"                 ""  "RFC 3261 §20.17"
    Diversion            "Diversion"            ""  "RFC 5806"
    ErrorInfo            "Error-Info"           ""  "RFC 3261 §20.18"
    Event                "Event"                "o" "RFC 6665 §8.2.1"
    Expires              "Expires"              ""  "RFC 3261 §20.19"
    FlowTimer            "Flow-Timer"           ""  "RFC 5626 §4.4"
    From                 "From"                 "f" "RFC 3261 §20.20"
    HistoryInfo          "History-Info"         ""  "RFC 7044"
    Identity             "Identity"             "y" "RFC 8224"
    InReplyTo            "In-Reply-To"          ""  "RFC 3261 §20.21"
    Join                 "Join"                 ""  "RFC 3911"
    MaxForwards          "Max-Forwards"         ""  "RFC 3261 §20.22"
    MimeVersion          "MIME-Version"         ""  "RFC 3261 §20.24"
    MinExpires           "Min-Expires"          ""  "RFC 3261 §20.23"
    MinSe                "Min-SE"               ""  "RFC 4028 §5"
    Organization         "Organization"         ""  "RFC 3261 §20.25"
    PAccessNetworkInfo   "P-Access-Network-Info" "" "RFC 7315 §5.4"
    PAssertedIdentity    "P-Asserted-Identity"  ""  "RFC 3325 §9.1"
    PAssociatedUri       "P-Associated-URI"     ""  "RFC 7315 §5.1"
    PCalledPartyId       "P-Called-Party-ID"    ""  "RFC 7315 §5.2"
    PPreferredIdentity   "P-Preferred-Identity" ""  "RFC 3325 §9.2"
    Path                 "Path"                 ""  "RFC 3327"
    Priority             "Priority"             ""  "RFC 3261 §20.26"
    Privacy              "Privacy"              ""  "RFC 3323 §4.2"
    ProxyAuthenticate    "Proxy-Authenticate"   ""  "RFC 3261 §20.27"
    ProxyAuthorization   "Proxy-Authorization"  ""  "RFC 3261 §20.28"
    ProxyRequire         "Proxy-Require"        ""  "RFC 3261 §20.29"
    RAck                 "RAck"                 ""  "RFC 3262 §7.2"
    Reason               "Reason"               ""  "RFC 3326"
    RecordRoute          "Record-Route"         ""  "RFC 3261 §20.30"
    ReferSub             "Refer-Sub"            ""  "RFC 4488"
    ReferTo              "Refer-To"             "r" "RFC 3515 §2.1"
    ReferredBy           "Referred-By"          "b" "RFC 3892"
    RejectContact        "Reject-Contact"       "j" "RFC 3841 §9.2"
    RemotePartyId        "Remote-Party-ID"      ""  "draft-ietf-sip-privacy"
    Replaces             "Replaces"             ""  "RFC 3891"
    ReplyTo              "Reply-To"             ""  "RFC 3261 §20.31"
    RequestDisposition   "Request-Disposition"  "d" "RFC 3841 §9.1"
    Require              "Require"              ""  "RFC 3261 §20.32"
    RetryAfter           "Retry-After"          ""  "RFC 3261 §20.33"
    Route                "Route"                ""  "RFC 3261 §20.34"
    RSeq                 "RSeq"                 ""  "RFC 3262 §7.1"
    Server               "Server"               ""  "RFC 3261 §20.35"
    ServiceRoute         "Service-Route"        ""  "RFC 3608"
    SessionExpires       "Session-Expires"      "x" "RFC 4028 §4"
    SipEtag              "SIP-ETag"             ""  "RFC 3903 §11.3.1"
    SipIfMatch           "SIP-If-Match"         ""  "RFC 3903 §11.3.2"
    Subject              "Subject"              "s" "RFC 3261 §20.36"
    SubscriptionState    "Subscription-State"   ""  "RFC 6665 §8.2.3"
    Supported            "Supported"            "k" "RFC 3261 §20.37"
    TargetDialog         "Target-Dialog"        ""  "RFC 4538"
    Timestamp            "Timestamp"            ""  "RFC 3261 §20.38"
    To                   "To"                   "t" "RFC 3261 §20.39"
    Unsupported          "Unsupported"          ""  "RFC 3261 §20.40"
    UserAgent            "User-Agent"           ""  "RFC 3261 §20.41"
    Via                  "Via"                  "v" "RFC 3261 §20.42"
    Warning              "Warning"              ""  "RFC 3261 §20.43"
    WwwAuthenticate      "WWW-Authenticate"     ""  "RFC 3261 §20.44"
}

impl<'a> Name<'a> {
    /// The name a header line begins with: any case, long or compact.
    pub fn from_token(token: &'a str) -> Self {
        Self::known(token.as_bytes()).unwrap_or(Self::Other(token))
    }

    /// The known name these bytes spell.
    pub(crate) fn known(token: &[u8]) -> Option<Name<'static>> {
        let mut slot = slot_of(token);
        while let Some((name, text, compact)) = KNOWN.get(usize::from(INDEX[slot])) {
            let long = text.as_bytes();
            if long == token
                || long.eq_ignore_ascii_case(token)
                || compact.as_bytes().eq_ignore_ascii_case(token)
            {
                return Some(*name);
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Name<'_>) -> bool {
        if let (Name::Other(one), Name::Other(two)) = (self, other) {
            return one.eq_ignore_ascii_case(two);
        }
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Eq for Name<'_> {}

impl fmt::Display for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Places of the hash table below; a power of two, several times the number of names.
const SLOTS: usize = 512;

/// No name in this place.
const EMPTY: u8 = u8::MAX;

/// Which row of [`KNOWN`] lies in which place; built by the compiler, so a look-up is one probe or two.
static INDEX: [u8; SLOTS] = index();

const fn index() -> [u8; SLOTS] {
    let mut index = [EMPTY; SLOTS];
    let mut row = 0;
    while row < KNOWN.len() {
        put(&mut index, KNOWN[row].1, row);
        if !KNOWN[row].2.is_empty() {
            put(&mut index, KNOWN[row].2, row);
        }
        row += 1;
    }
    index
}

const fn put(index: &mut [u8; SLOTS], text: &str, row: usize) {
    let mut slot = slot_of(text.as_bytes());
    while index[slot] != EMPTY {
        slot = (slot + 1) % SLOTS;
    }
    index[slot] = row as u8;
}

/// Length, first, middle and last letter tell nearly all names apart.
const fn slot_of(name: &[u8]) -> usize {
    let Some(last) = name.len().checked_sub(1) else {
        return 0;
    };
    let letters = [name[0], name[last / 2], name[last]];
    let mut hash = name.len();
    let mut at = 0;
    while at < letters.len() {
        hash = hash.wrapping_mul(37) ^ letters[at].to_ascii_lowercase() as usize;
        at += 1;
    }
    hash % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case_and_by_its_compact_form() {
        for (name, text, compact) in KNOWN {
            assert_eq!(Name::from_token(text), *name);
            assert_eq!(Name::from_token(&text.to_lowercase()), *name);
            assert_eq!(Name::from_token(&text.to_uppercase()), *name);
            if !compact.is_empty() {
                assert_eq!(Name::from_token(compact), *name);
                assert_eq!(Name::from_token(&compact.to_uppercase()), *name);
            }
            assert_eq!(name.as_str(), *text);
        }
        assert!(KNOWN.len() < usize::from(EMPTY));
    }

    #[test]
    fn an_unknown_name_is_kept_and_equal_in_any_case() {
        assert_eq!(Name::from_token("X-Odd").as_str(), "X-Odd");
        assert_eq!(Name::from_token("X-Odd"), Name::from_token("x-odd"));
        assert_ne!(Name::from_token("X-Odd"), Name::from_token("X-Even"));
        assert_ne!(Name::from_token("Vi"), Name::Via);
        assert_eq!(Name::from_token(""), Name::Other(""));
    }
}
