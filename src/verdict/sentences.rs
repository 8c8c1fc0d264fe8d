use super::{Code, Finding};

impl Finding {
    /// What it says, in English.
    pub fn sentence(&self) -> String {
        self.fill(self.code.sentence())
    }

    /// What cures it, in English; empty where nothing has to be cured.
    pub fn cure(&self) -> String {
        self.fill(self.code.cure())
    }
}

impl Code {
    /// The English sentence, with places to fill.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoAck => {
                "{who} never acknowledged the answer: the 200 OK went to {where} {times} times and no ACK came. The far side hangs up after 32 s."
            }
            Self::NoResponse => {
                "{who} does not answer at {where}: the INVITE went out {times} times and nothing came back."
            }
            Self::LargeDatagram => {
                "The INVITE to {who} had {bytes} bytes, went to {where} {times} times by UDP, and nothing came back: fragments are probably lost on the way."
            }
            Self::ByeUnanswered => "{who} had gone without saying so: the BYE to {where} was not answered.",
            Self::NoPrack => "{who} wanted reliable ringing (100rel) and never acknowledged it with PRACK.",
            Self::AlgRewrote => {
                "A router between the box and {who} rewrites SIP: `{sent}` went out, `{back}` came back."
            }
            Self::PrivateContact => {
                "{who} names {contact} as its address, but its messages come from {where}."
            }
            Self::NoCodec => "{refuser} could use none of the codecs offered ({offered}): {said}.",
            Self::SrtpWanted => "Encrypted and plain voice did not come together with {who}: {said}.",
            Self::SrtpRejected => "{count} packets of {who} could not be opened with the agreed key.",
            Self::GlareRepeats => "Both sides tried to change the call at the same moment {count} times.",
            Self::NothingHeard => {
                "{listener} hears nothing: no voice came from {who}, whose phone said {media}."
            }
            Self::PrivateMedia => {
                "{listener} hears nothing: {who} said that its voice comes from {media}, a private address, but it is at {where}."
            }
            Self::NobodyHeard => "Nobody hears anything: no voice came from either side.",
            Self::Lossy => "{percent} % of what {who} said was lost on the way here.",
            Self::LossyThere => "{who} lost {percent} % of what it should have heard, as its phone reports.",
            Self::Jittery => "What {who} said came unevenly, by {millis} ms.",
            Self::LongWay => {
                "{who} is far away: {millis} ms there and back, so that people talk over each other."
            }
            Self::Hole => "{millis} ms of what {who} said were missing at once.",
            Self::DeadLine => "The call was ended because no voice came from {who} any more.",
            Self::NoKeys => "{who} cannot send keys as telephone-events, and none were heard in its voice.",
            Self::TrunkForbids => "{where} refused the call to {who}: {status} {said}.",
            Self::TrunkPassword => {
                "{where} did not take our password for the call to {who}: {status} {said}."
            }
            Self::NoSuchNumber => "{where} does not know {who}: {status} {said}.",
            Self::TrunkFull => "{where} had no line free for {who}, or is out of service: {status} {said}.",
            Self::TrunkBroken => "{where} failed on the call to {who}: {status} {said}.",
            Self::TimedOut => "{where} gave up waiting for {who}: {status} {said}.",
            Self::Declined => "{who} declined.",
            Self::Busy => "{who} was busy.",
            Self::NotAvailable => "{who} was not available: {status} {said}.",
            Self::NobodyFree => "Nobody could be rung: no phone of the group was registered and free.",
            Self::SessionExpired => "The far side stopped refreshing the session, so it was taken for gone.",
            Self::ConnectionLost => "The far side's connection broke and did not come back within 32 s.",
            Self::NoPorts => "The box had no port left for voice.",
            Self::Interrupted => "The box was stopped or lost its power in the middle of the call.",
            Self::AnswerCrossed => {
                "{who} answered in the moment somebody else had; it was hung up again at once."
            }
            Self::GaveUp => "The caller gave up after {seconds} s of ringing.",
            Self::CallerHungUp => "The caller hung up after {seconds} s of talk.",
            Self::CalleeHungUp => "The called side hung up after {seconds} s of talk.",
        }
    }

    /// What to do, in English, with places to fill; empty where nothing has to be done.
    pub fn cure(self) -> &'static str {
        match self {
            Self::NoAck => {
                "Our Contact is {contact}: is it reachable from there? Turn off SIP ALG in the router."
            }
            Self::NoResponse => "Is it switched on, and still at that address? Is a firewall between?",
            Self::LargeDatagram => "Use TCP or TLS for it, or offer fewer codecs.",
            Self::ByeUnanswered => "Nothing, unless it happens often: then look at its network and power.",
            Self::NoPrack => "Turn 100rel off at that side, or look for what drops PRACK between.",
            Self::AlgRewrote => {
                "Turn off SIP ALG (also called SIP helper or SIP inspection) in that router, or use TLS."
            }
            Self::PrivateContact => "Mark it as behind NAT (`nat = true`), or give it a STUN server.",
            Self::NoCodec => {
                "Allow a common codec at both sides: `[media] codecs`, or the trunk's own `codecs`."
            }
            Self::SrtpWanted => {
                "Set `srtp` of that trunk or agent to what its side does: `off`, `allowed` or `required`."
            }
            Self::SrtpRejected => {
                "Restart that phone; if it goes on, its SRTP differs from what it offered — set its `srtp` to `off`."
            }
            Self::GlareRepeats => "Turn off session refresh by re-INVITE at one side.",
            Self::NothingHeard => {
                "Open UDP `[media] rtp_ports` between the box and that phone, and look for a firewall there."
            }
            Self::PrivateMedia => "Mark it as behind NAT (`nat = true`), or turn on STUN in that phone.",
            Self::NobodyHeard => "Open UDP `[media] rtp_ports` to the box in the firewall.",
            Self::Lossy | Self::LossyThere | Self::Jittery | Self::Hole => {
                "Look at Wi-Fi, switch port and uplink of that side; give voice priority there (DSCP EF)."
            }
            Self::LongWay => "Nothing here: choose a nearer trunk, or a shorter way between the sites.",
            Self::DeadLine => {
                "If people were still there, their voice is blocked: open UDP `[media] rtp_ports`."
            }
            Self::NoKeys => {
                "Turn on RFC 2833/4733 (telephone-event) at that trunk or phone, or set its `dtmf`."
            }
            Self::TrunkForbids => {
                "Ask the provider whether the number may be called and the caller id shown."
            }
            Self::TrunkPassword => "Check `username` and `password` of that trunk.",
            Self::NoSuchNumber => "Check the number and the trunk's `number_form`.",
            Self::TrunkFull => "Wait, add lines, or name a second trunk in the route.",
            Self::TrunkBroken => "Ask the provider; name a second trunk in the route.",
            Self::TimedOut => "Nothing here: the far side's phone or network does not answer.",
            Self::NotAvailable => "Is the phone logged in there?",
            Self::NobodyFree => "The page Now shows who is registered, on a break, or in another call.",
            Self::SessionExpired => "It lost its power or its network in the middle of the call.",
            Self::ConnectionLost => "Look at its switch, Wi-Fi or router.",
            Self::NoPorts => "Make `[media] rtp_ports` larger.",
            Self::Interrupted => "Look at the log before that time, and at the power supply.",
            Self::Declined
            | Self::Busy
            | Self::AnswerCrossed
            | Self::GaveUp
            | Self::CallerHungUp
            | Self::CalleeHungUp => "",
        }
    }
}
