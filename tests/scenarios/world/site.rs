//! The office every story plays in: who works there, what the numbers do.

use callpost::agents::{Agent, Group, Overflow, Reach, Strategy};
use callpost::engine::{BoxBook, Encryption, Settings, TrunkRules};
use callpost::ivr::Flow;
use callpost::model::{Codec, FlowName, Language, RecordingRules, TrunkName};
use callpost::routing::{Decision, Dialing, Pattern, Plan, Route, Rule};
use callpost::sip::digest::Ha1;
use callpost::sip::{self, Listener, RegistrationTimes, Secret, Transport, Trunk};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Where the box is.
pub const BOX: &str = "192.0.2.1:5060";
/// Where the PBX is.
pub const PBX: &str = "192.0.2.100:5060";
/// The password of every phone.
pub const PASSWORD: &str = "a long password";

/// The configuration of a story; change what the story is about.
pub struct Site {
    pub agents: Vec<Agent>,
    pub groups: Vec<Group>,
    pub rules: Vec<Rule>,
    pub flows: Vec<&'static str>,
    pub rtp_ports: (u16, u16),
    pub record: bool,
    /// In place of recording all or nothing.
    pub recording: Option<RecordingRules>,
    pub most_calls: usize,
    /// The rules of message boxes.
    pub voicemail: BoxBook,
    /// Ways outside, and what may be dialled there.
    pub routes: Vec<Route>,
    pub dialing: Dialing,
    /// Trunks beside the PBX.
    pub carriers: Vec<Trunk>,
    pub trunk_rules: BTreeMap<TrunkName, TrunkRules>,
    pub encryption: Encryption,
    pub qualify_every: Option<Duration>,
    pub guard: callpost::sip::guard::Rules,
    /// Callers hear our ringing tone before they are answered.
    pub early_ringback: bool,
    /// Agents of a group may take calls that ring at each other's phones.
    pub pickup: bool,
}

/// The office's menu.
pub const MAIN: &str = r##"
    name = "main"
    start = "welcome"
    [step.welcome]
    verb = "play"
    prompt = "welcome"
    next = "menu"
    [step.menu]
    verb = "menu"
    prompt = "main-menu"
    keys = { 1 = "sales", "*" = "menu" }
    timeout_seconds = 5
    tries = 3
    otherwise = "mailbox"
    [step.sales]
    verb = "ring"
    group = "sales"
    no_answer = "mailbox"
    [step.mailbox]
    verb = "voicemail"
    group = "sales"
    max_seconds = 60
    silence_seconds = 5
"##;

impl Site {
    /// `ali`, `mona` and `omar` serve the group `sales`, two rounds of 20 seconds, then voicemail. `8000` rings
    /// them; `8001` is the menu; `8002` the mailbox.
    pub fn office() -> Self {
        let rule = |number: &str, then| Rule {
            pattern: Pattern::Exactly(number.into()),
            then,
            record: None,
        };
        Self {
            agents: vec![agent("ali", "1001"), agent("mona", "1002"), agent("omar", "1003")],
            groups: vec![group("sales", 2, 20, Overflow::Voicemail)],
            rules: vec![
                rule("8000", Decision::Group("sales".into())),
                rule("8001", Decision::Flow("main".into())),
                rule("8002", Decision::Flow("box".into())),
            ],
            flows: vec![
                MAIN,
                "name = \"box\"\nstart = \"box\"\n[step.box]\nverb = \"voicemail\"\ngroup = \"sales\"\nmax_seconds = 60",
            ],
            rtp_ports: (10_000, 11_000),
            record: true,
            recording: None,
            most_calls: 100,
            voicemail: BoxBook::default(),
            encryption: Encryption::default(),
            routes: Vec::new(),
            dialing: Dialing::default(),
            carriers: Vec::new(),
            trunk_rules: BTreeMap::new(),
            qualify_every: None,
            guard: callpost::sip::guard::Rules::default(),
            early_ringback: false,
            pickup: false,
        }
    }

    /// What happens when nobody takes a call for `sales`.
    pub fn overflowing_to(mut self, overflow: Overflow) -> Self {
        if let Some(sales) = self.groups.first_mut() {
            sales.overflow = overflow;
        }
        self
    }

    /// How often `sales` rings.
    pub fn ringing(mut self, attempts: u32) -> Self {
        if let Some(sales) = self.groups.first_mut() {
            sales.attempts = attempts;
        }
        self
    }

    /// The same office without recordings, which keeps a ladder short.
    pub fn unrecorded(mut self) -> Self {
        self.record = false;
        self
    }

    /// The same office, whose phones are asked every minute whether they are there.
    pub fn asking_phones(mut self) -> Self {
        self.qualify_every = Some(Duration::from_secs(60));
        self
    }

    pub fn settings(self) -> Settings {
        let extensions: Vec<_> = self
            .agents
            .iter()
            .filter_map(|agent| match &agent.reach {
                Reach::Extension(number) => Some((number.clone(), agent.id.clone())),
                Reach::Trunk(..) | Reach::Contact(_) => None,
            })
            .collect();
        let pickup = |extension: &callpost::model::Number| {
            let agent = self
                .agents
                .iter()
                .find(|agent| agent.number() == extension.as_str());
            let groups = agent.filter(|_| self.pickup).map(|agent| agent.groups.clone());
            groups.unwrap_or_default()
        };
        let accounts = extensions
            .iter()
            .map(|(extension, _)| sip::Account {
                extension: extension.clone(),
                ha1: Ha1::new(extension.as_str(), "callpost", PASSWORD),
                pickup: pickup(extension),
            })
            .collect();
        let flows: BTreeMap<FlowName, Arc<Flow>> = self
            .flows
            .iter()
            .map(|text| toml::from_str::<Flow>(text).unwrap())
            .map(|flow| (flow.name.clone(), Arc::new(flow)))
            .collect();
        let address: SocketAddr = BOX.parse().unwrap();
        Settings {
            site: "office".to_owned(),
            zone: TimeZone::UTC,
            languages: Arc::new([Language::from("en"), Language::from("ar")]),
            sip: sip::Settings {
                realm: "callpost".to_owned(),
                product: "callpost".to_owned(),
                registrations: RegistrationTimes::default(),
                qualify_every: self.qualify_every,
                digests: callpost::sip::digest::Algorithm::ALL.to_vec(),
                listeners: [Transport::Udp, Transport::Tcp, Transport::Tls]
                    .map(|transport| Listener { transport, address })
                    .to_vec(),
                accounts,
                trunks: [trunk()].into_iter().chain(self.carriers).collect(),
                guard: self.guard.clone(),
            },
            codecs: Codec::G711.to_vec(),
            advertised: None,
            early_ringback: self.early_ringback,
            music_on_hold: Some("hold-music".into()),
            rtp_ports: self.rtp_ports,
            record: self
                .recording
                .unwrap_or_else(|| RecordingRules::plain(self.record))
                .into(),
            agents: self.agents,
            groups: self.groups,
            plan: Plan::new(self.rules, extensions).with_routes(
                self.routes,
                self.dialing,
                self.guard.emergency.iter().map(ToString::to_string).collect(),
            ),
            flows,
            trunks: self.trunk_rules,
            voicemail: self.voicemail,
            encryption: self.encryption,
            most_calls: self.most_calls,
        }
    }
}

fn trunk() -> Trunk {
    let address: SocketAddr = PBX.parse().unwrap();
    Trunk {
        credentials: Some(Secret {
            username: "box".to_owned(),
            password: "trunk password".to_owned(),
        }),
        ..Trunk::new(
            "pbx".into(),
            &address.ip().to_string(),
            Some(address.port()),
            None,
        )
    }
}

/// An agent of `sales` whose phone registers here.
pub fn agent(id: &str, extension: &str) -> Agent {
    Agent {
        id: id.into(),
        name: id.to_owned(),
        reach: Reach::Extension(extension.into()),
        groups: vec!["sales".into()],
        dtmf: callpost::model::Dtmf::Auto,
        nat: None,
    }
}

/// An agent of `sales` at a phone of the PBX.
pub fn agent_of_pbx(id: &str, number: &str) -> Agent {
    Agent {
        reach: Reach::Trunk("pbx".into(), number.into()),
        ..agent(id, "")
    }
}

/// An agent of `sales` at a fixed address.
pub fn agent_at(id: &str, contact: &str) -> Agent {
    Agent {
        reach: Reach::Contact(contact.to_owned()),
        ..agent(id, "")
    }
}

/// A ring group.
pub fn group(name: &str, attempts: u32, ring_seconds: u64, overflow: Overflow) -> Group {
    Group {
        name: name.into(),
        strategy: Strategy::RingAll,
        ring_time: Duration::from_secs(ring_seconds),
        attempts,
        wrap_up: Duration::ZERO,
        overflow,
        music: None,
    }
}
