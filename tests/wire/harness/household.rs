//! The files a box is started with: configuration, flows, prompts.

use super::street::Street;
use super::{tone, wav};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The number most tests dial.
pub(crate) const MAIN_NUMBER: &str = "+966112345678";

/// The welcome of [`MAIN_FLOW`] is a tone of this frequency, so that a test can tell what a caller heard.
pub(crate) const WELCOME_HZ: u32 = 620;
/// The menu of [`MAIN_FLOW`].
pub(crate) const MENU_HZ: u32 = 760;
/// "That key leads nowhere."
pub(crate) const INVALID_HZ: u32 = 860;
/// "No key came."
pub(crate) const NO_INPUT_HZ: u32 = 1120;
/// "Please leave a message."
pub(crate) const VOICEMAIL_HZ: u32 = 1240;
/// "Thank you", and "Goodbye".
pub(crate) const GOODBYE_HZ: u32 = 1360;

/// The prompts of every household.
const PROMPTS: [(&str, u32); 7] = [
    ("welcome", WELCOME_HZ),
    ("main-menu", MENU_HZ),
    ("invalid", INVALID_HZ),
    ("no-input", NO_INPUT_HZ),
    ("voicemail-greeting", VOICEMAIL_HZ),
    ("thank-you", GOODBYE_HZ),
    ("goodbye", GOODBYE_HZ),
];

/// A welcome, a menu with two keys, a group, and a mailbox for the rest.
pub(crate) const MAIN_FLOW: &str = r#"
name = "main"
start = "welcome"
[step.welcome]  verb="play"       prompt="welcome"  next="menu"
[step.menu]     verb="menu"       prompt="main-menu"  keys={"1"="sales", "*"="menu"}  timeout_seconds=2  tries=2  invalid_prompt="invalid"  otherwise="mailbox"
[step.sales]    verb="ring"       group="sales"  no_answer="mailbox"
[step.mailbox]  verb="voicemail"  group="sales"
"#;

/// What a test's box is configured with; each method adds an entry as INTERFACES.md words it.
#[derive(Debug, Clone)]
pub(crate) struct Household {
    sections: String,
    rtp_ports: (u16, u16),
    recording: bool,
    keep_free_megabytes: u32,
    drain_seconds: u32,
    digests: Vec<String>,
    listens: Vec<&'static str>,
    more_listens: String,
    sip_keys: String,
    recording_keys: String,
    media_keys: String,
    flows: Vec<(String, String)>,
    prompts: Vec<(String, u32, Duration)>,
    codecs: Vec<&'static str>,
    pbx_keys: String,
}

impl Household {
    /// An empty household: nobody lives here, no number leads anywhere.
    pub(crate) fn new() -> Self {
        Self {
            sections: String::new(),
            rtp_ports: (10_000, 10_999),
            recording: true,
            keep_free_megabytes: 1,
            drain_seconds: 1,
            digests: Vec::new(),
            listens: Vec::new(),
            more_listens: String::new(),
            sip_keys: String::new(),
            recording_keys: String::new(),
            media_keys: String::new(),
            flows: Vec::new(),
            prompts: Vec::new(),
            codecs: vec!["PCMU", "PCMA"],
            pbx_keys: "transport=\"udp\"".to_owned(),
        }
    }

    /// The household of most tests: [`MAIN_NUMBER`] leads into [`MAIN_FLOW`], whose menu rings `sales`.
    pub(crate) fn with_menu(ring_seconds: u32, attempts: u32) -> Self {
        Self::new()
            .group(
                "sales",
                &format!("ring_seconds={ring_seconds}\nattempts={attempts}"),
            )
            .number(MAIN_NUMBER, r#"flow="main""#)
            .flow("main", MAIN_FLOW)
    }

    /// An agent whose phone registers here; the password is the extension with `secret-` before it.
    pub(crate) fn phone(self, id: &str, extension: &str, groups: &[&str]) -> Self {
        let place = format!("extension=\"{extension}\"\npassword=\"{}\"", password(extension));
        self.agent(id, &place, groups)
    }

    /// An agent whose phone registers here, with more keys of its section.
    pub(crate) fn phone_with(self, id: &str, extension: &str, groups: &[&str], keys: &str) -> Self {
        let place = format!(
            "extension=\"{extension}\"\npassword=\"{}\"\n{keys}",
            password(extension)
        );
        self.agent(id, &place, groups)
    }

    /// An agent at a fixed address.
    pub(crate) fn contact(self, id: &str, uri: &str, groups: &[&str]) -> Self {
        self.agent(id, &format!("contact=\"{uri}\""), groups)
    }

    /// An agent with a phone of the PBX.
    pub(crate) fn behind_trunk(self, id: &str, number: &str, groups: &[&str]) -> Self {
        self.agent(id, &format!("trunk=\"pbx\"\nnumber=\"{number}\""), groups)
    }

    /// Whole sections, as they stand in the file.
    pub(crate) fn section(mut self, text: &str) -> Self {
        writeln!(self.sections, "{text}").expect("text grows");
        self
    }

    fn agent(mut self, id: &str, place: &str, groups: &[&str]) -> Self {
        writeln!(
            self.sections,
            "[[agent]]\nid=\"{id}\"\nname=\"{id}\"\n{place}\ngroups={groups:?}"
        )
        .expect("text grows");
        self
    }

    /// A ring group with these keys.
    pub(crate) fn group(mut self, name: &str, keys: &str) -> Self {
        writeln!(
            self.sections,
            "[[group]]\nname=\"{name}\"\nstrategy=\"ring_all\"\n{keys}"
        )
        .expect("text grows");
        self
    }

    /// Where calls to a number go, such as `group="sales"`.
    pub(crate) fn number(mut self, pattern: &str, leads: &str) -> Self {
        writeln!(self.sections, "[[number]]\nmatch=\"{pattern}\"\n{leads}").expect("text grows");
        self
    }

    /// A flow file. A line may hold a whole step here; in the file each key has its own.
    pub(crate) fn flow(mut self, name: &str, text: &str) -> Self {
        self.flows.push((name.to_owned(), one_key_a_line(text)));
        self
    }

    /// One more prompt, a tone of this frequency and length.
    pub(crate) fn prompt(mut self, name: &str, hertz: u32, length: Duration) -> Self {
        self.prompts.push((name.to_owned(), hertz, length));
        self
    }

    /// The range RTP ports are taken from.
    pub(crate) fn rtp_ports(mut self, first: u16, last: u16) -> Self {
        self.rtp_ports = (first, last);
        self
    }

    /// Conversations are not recorded.
    pub(crate) fn unrecorded(mut self) -> Self {
        self.recording = false;
        self
    }

    /// One more key of `[recording]`.
    pub(crate) fn recording_key(mut self, line: &str) -> Self {
        writeln!(self.recording_keys, "{line}").expect("text grows");
        self
    }

    /// How much of the disk recordings leave free.
    pub(crate) fn keeping_free(mut self, megabytes: u32) -> Self {
        self.keep_free_megabytes = megabytes;
        self
    }

    /// A destination with these keys; every record is forwarded to it.
    pub(crate) fn upstream(mut self, keys: &str) -> Self {
        writeln!(self.sections, "[[upstream]]\n{keys}").expect("text grows");
        self
    }

    /// How long calls may go on after the box was asked to stop.
    pub(crate) fn draining(mut self, seconds: u32) -> Self {
        self.drain_seconds = seconds;
        self
    }

    /// Which digest algorithms a phone is challenged with, the best first; the box's own choice otherwise.
    pub(crate) fn challenging(mut self, algorithms: &[&str]) -> Self {
        self.digests = algorithms.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The box listens for this transport too: `tls` on port 5061, `ws` on 5066, `wss` on 5067.
    pub(crate) fn listening(mut self, transport: &'static str) -> Self {
        self.listens.push(transport);
        self
    }

    /// The box listens on this socket too, written as in the configuration.
    pub(crate) fn listening_on(mut self, socket: &str) -> Self {
        write!(self.more_listens, ",\"{socket}\"").expect("text grows");
        self
    }

    /// One more line of `[sip]`.
    pub(crate) fn sip_key(mut self, line: &str) -> Self {
        writeln!(self.sip_keys, "{line}").expect("text grows");
        self
    }

    /// One more line of `[media]`.
    pub(crate) fn media_key(mut self, line: &str) -> Self {
        writeln!(self.media_keys, "{line}").expect("text grows");
        self
    }

    /// The codecs of the box, the preferred first; both laws of G.711 otherwise.
    pub(crate) fn speaking(mut self, codecs: &[&'static str]) -> Self {
        self.codecs = codecs.to_vec();
        self
    }

    /// The usual trunk has these keys beside its name and its address; `transport="udp"` otherwise.
    pub(crate) fn pbx_keys(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.pbx_keys);
        self
    }

    /// A trunk with these keys beside the usual one.
    pub(crate) fn trunk(mut self, keys: &str) -> Self {
        writeln!(self.sections, "[[trunk]]\n{keys}").expect("text grows");
        self
    }

    /// Writes all files below `folder`; the configuration is `callpost.toml` there.
    pub(crate) fn furnish(&self, folder: &Path, street: &Street) {
        let Self {
            sections,
            rtp_ports,
            recording,
            keep_free_megabytes,
            drain_seconds,
            digests,
            listens,
            more_listens,
            sip_keys,
            recording_keys,
            media_keys,
            flows,
            prompts,
            codecs,
            pbx_keys,
        } = self;
        let (sip, http, pbx) = (street.box_sip(), street.box_http(), street.pbx());
        let (first, last) = rtp_ports;
        let more: String = listens
            .iter()
            .map(|transport| format!(",\"{transport}://{}\"", street.box_by(transport)))
            .collect();
        let digests = match digests.as_slice() {
            [] => String::new(),
            some => format!("digests={some:?}\n"),
        };
        let text = format!(
            "[site]\nname=\"wire\"\ntimezone=\"Asia/Riyadh\"\ncountry=\"SA\"\nlanguages=[\"en\",\"ar\"]\n\
             drain_seconds={drain_seconds}\n\
             [sip]\nlisten=[\"udp://{sip}\",\"tcp://{sip}\"{more}{more_listens}]\nrealm=\"callpost\"\n{digests}{sip_keys}\
             [media]\nrtp_ports=[{first},{last}]\ncodecs={codecs:?}\n{media_keys}\
             [http]\nlisten=\"{http}\"\nrequests_per_minute=60000\n[recording]\nenabled={recording}\n\
             keep_free_megabytes={keep_free_megabytes}\n{recording_keys}\
             [[trunk]]\nname=\"pbx\"\nhost=\"{pbx}\"\n{pbx_keys}\nallow=[\"{pbx}/32\"]\n{sections}"
        );
        write(&folder.join("callpost.toml"), &text);
        for (name, flow) in flows {
            write(&folder.join(format!("flows/{name}.toml")), flow);
        }
        let usual = PROMPTS.map(|(name, hertz)| (name.to_owned(), hertz, Duration::from_millis(400)));
        for language in ["en", "ar"] {
            let folder = folder.join("prompts").join(language);
            fs::create_dir_all(&folder).expect("the prompts folder can be made");
            for (name, hertz, length) in usual.iter().chain(prompts) {
                wav::write_file(&folder.join(format!("{name}.wav")), &tone::sine(*hertz, *length));
            }
        }
    }
}

/// The password of an extension.
pub(crate) fn password(extension: &str) -> String {
    format!("secret-{extension}")
}

/// TOML wants one key a line; two spaces part keys in a test's flow.
fn one_key_a_line(text: &str) -> String {
    text.lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("\n")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).expect("the folder can be made");
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
