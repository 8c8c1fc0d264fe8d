use std::fmt;

/// Declares the known methods: variant, name on the wire, where it is defined.
macro_rules! methods {
    ($($variant:ident $text:literal $standard:literal)*) => {
        /// A method (RFC 3261 §7.1). Names are case-sensitive; unknown ones are kept.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Method<'a> {
            $(
                #[doc = concat!("`", $text, "`, ", $standard, ".")]
                $variant,
            )*
            /// A method this box does not know.
            Other(&'a str),
        }

        impl<'a> Method<'a> {
            /// Every method the grammar knows by name.
            pub const KNOWN: &'static [Method<'static>] = &[$(Method::$variant),*];

            /// The method of that name. Any token will do (RFC 3261 §25.1).
            pub fn from_token(token: &'a str) -> Self {
                match token {
                    $($text => Self::$variant,)*
                    _ => Self::Other(token),
                }
            }

            /// The name on the wire.
            pub fn as_str(&self) -> &'a str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(token) => token,
                }
            }

            /// The same method without a borrow, when it is a known one.
            pub fn known(&self) -> Option<Method<'static>> {
                match self {
                    $(Self::$variant => Some(Method::$variant),)*
                    Self::Other(_) => None,
                }
            }
        }
    };
}

methods! {
    Invite    "INVITE"    "RFC 3261 §13"
    Ack       "ACK"       "RFC 3261 §13.2.2.4"
    Bye       "BYE"       "RFC 3261 §15"
    Cancel    "CANCEL"    "RFC 3261 §9"
    Register  "REGISTER"  "RFC 3261 §10"
    Options   "OPTIONS"   "RFC 3261 §11"
    Info      "INFO"      "RFC 6086"
    Update    "UPDATE"    "RFC 3311"
    Prack     "PRACK"     "RFC 3262"
    Subscribe "SUBSCRIBE" "RFC 6665"
    Notify    "NOTIFY"    "RFC 6665"
    Refer     "REFER"     "RFC 3515"
    Message   "MESSAGE"   "RFC 3428"
    Publish   "PUBLISH"   "RFC 3903"
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_sensitive_and_unknown_ones_are_kept() {
        for method in Method::KNOWN {
            assert_eq!(Method::from_token(method.as_str()), *method);
            assert_eq!(method.known(), Some(*method));
        }
        assert_eq!(Method::from_token("invite"), Method::Other("invite"));
        assert_eq!(Method::Other("RE%47IST%45R").as_str(), "RE%47IST%45R");
    }
}
