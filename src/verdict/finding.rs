use serde::Serialize;

/// One thing that is known about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// Of which leg, when one is meant: 0 is the caller.
    pub leg: Option<u32>,
    /// What goes into the sentence: `("who", "ali")`.
    pub values: Vec<(&'static str, String)>,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is broken and has a cure.
    Fault,
    /// It went on, but not well.
    Warning,
    /// Nothing is wrong with the box or the network.
    Note,
}

/// Declares the codes: variant, word, severity.
macro_rules! codes {
    ($($variant:ident $word:literal $severity:ident $what:literal)*) => {
        /// What can be known about a call.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $what] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its word, for programs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// How much it matters.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    NoAck "no_ack" Fault "The 200 to an INVITE was sent again and again, and no ACK came."
    NoResponse "no_response" Fault "An INVITE was sent again and again, and nothing came back."
    LargeDatagram "large_datagram" Fault "The same, and the datagram was larger than networks carry in one piece."
    ByeUnanswered "bye_unanswered" Warning "A BYE was not answered: the far side had gone already."
    NoPrack "no_prack" Fault "A reliable provisional response was not acknowledged by PRACK."
    AlgRewrote "alg_rewrote" Fault "A router between rewrites SIP messages."
    PrivateContact "private_contact" Warning "A Contact that cannot be reached from here."
    NoCodec "no_codec" Fault "The two had no codec in common."
    SrtpWanted "srtp_wanted" Fault "One side wants encrypted voice, the other plain."
    SrtpRejected "srtp_rejected" Fault "Encrypted packets could not be opened."
    GlareRepeats "glare_repeats" Warning "Both sides change the call at once, over and over."
    NothingHeard "nothing_heard" Fault "One side hears nothing: no packet came from the other."
    PrivateMedia "private_media" Fault "The same, and the address in the description cannot be reached from here."
    NobodyHeard "nobody_heard" Fault "No packet came from either side."
    Lossy "lossy" Warning "Packets are lost on the way here."
    LossyThere "lossy_there" Warning "Packets are lost on the way there, as the far side reports."
    Jittery "jittery" Warning "Packets come unevenly."
    LongWay "long_way" Warning "The round trip is long enough to talk over each other."
    Hole "hole" Warning "Sound was missing for half a second or more at once."
    DeadLine "dead_line" Fault "The call was ended because no packet came any more."
    NoKeys "no_keys" Warning "The caller's side cannot send keys as telephone-events, and none were recognised."
    TrunkForbids "trunk_forbids" Fault "The trunk refused the number or the caller (403)."
    TrunkPassword "trunk_password" Fault "The trunk did not take our password."
    NoSuchNumber "no_such_number" Fault "The number is unknown there (404, 410, 484, 604)."
    TrunkFull "trunk_full" Fault "The trunk had no room (503, 486 of a trunk)."
    TrunkBroken "trunk_broken" Fault "The trunk failed (5xx)."
    TimedOut "timed_out" Warning "The far side gave up waiting (408, 504)."
    Declined "declined" Note "Somebody said no."
    Busy "busy" Note "Somebody was in another call."
    NotAvailable "not_available" Warning "The phone is known and not there (480)."
    NobodyFree "nobody_free" Warning "No phone could be rung."
    SessionExpired "session_expired" Fault "The far side stopped refreshing the session."
    ConnectionLost "connection_lost" Fault "The far side's connection broke."
    NoPorts "no_ports" Fault "The box had no port left for voice."
    Interrupted "interrupted" Fault "The box was stopped or lost its power in the middle of the call."
    AnswerCrossed "answer_crossed" Note "An answer crossed a CANCEL; it was hung up again at once."
    GaveUp "gave_up" Note "The caller gave up while it rang."
    CallerHungUp "caller_hung_up" Note "The caller hung up."
    CalleeHungUp "callee_hung_up" Note "The called side hung up."
}

impl Finding {
    /// One of a leg.
    pub(super) fn of(code: Code, leg: u32, values: Vec<(&'static str, String)>) -> Self {
        Self {
            code,
            leg: Some(leg),
            values,
        }
    }

    /// One of the whole call.
    pub(super) fn of_call(code: Code, values: Vec<(&'static str, String)>) -> Self {
        Self {
            code,
            leg: None,
            values,
        }
    }

    /// A sentence with its places filled: `{who}` by the value of that name.
    pub fn fill(&self, sentence: &str) -> String {
        let mut filled = sentence.to_owned();
        for (name, value) in &self.values {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        filled
    }
}
