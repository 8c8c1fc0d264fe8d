use crate::app::random_seed;
use crate::config::{Config, Surroundings};
use crate::model::Dice;
use anyhow::Context as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

/// The appliance of the demo: free ports, three agents with passwords nobody has seen before, a fresh folder.
pub(super) struct Site {
    pub(super) config: Config,
    pub(super) data_dir: PathBuf,
    pub(super) passwords: Vec<String>,
    pub(super) token: String,
    /// What the caller dials.
    pub(super) dial: String,
}

impl Site {
    /// Flows, prompts and languages come from `file`, or are the built-in ones.
    pub(super) fn prepare(file: Option<&Path>, caller: SocketAddr, upstream: String) -> anyhow::Result<Self> {
        let mut dice = Dice::new(random_seed());
        let passwords: Vec<String> = (0..super::AGENTS.len()).map(|_| dice.token()).collect();
        let own = Config::load(file)?.config;
        let groups: Vec<&str> = own.groups.iter().map(|group| group.name.as_str()).collect();
        let dial = own
            .numbers
            .iter()
            .map(|rule| rule.number.clone())
            .find(|number| number != "*");
        let text = configuration(&mut dice, caller, &upstream, &passwords, &groups)?;
        let mut config = Config::from_text("demo", &text, &Surroundings::default())?.config;
        config.site.languages = own.site.languages;
        config.site.timezone = own.site.timezone;
        config.groups = own.groups;
        config.numbers = own.numbers;
        config.flows = own.flows;
        config.prompts = own.prompts;
        let data_dir = std::env::temp_dir().join(format!("callpost-demo-{}", dice.token()));
        std::fs::create_dir_all(&data_dir).with_context(|| format!("making {}", data_dir.display()))?;
        Ok(Self {
            config,
            data_dir,
            passwords,
            token: dice.token(),
            dial: dial.unwrap_or_else(|| "1000".to_owned()),
        })
    }
}

fn configuration(
    dice: &mut Dice,
    caller: SocketAddr,
    upstream: &str,
    passwords: &[String],
    groups: &[&str],
) -> anyhow::Result<String> {
    let first = free_ports(dice)?;
    let mut text = format!(
        r#"
        [site]
        name = "demo"
        [sip]
        listen = ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"]
        [media]
        rtp_ports = [{first}, {}]
        [http]
        listen = "127.0.0.1:0"
        [[trunk]]
        name = "pbx"
        host = "{}"
        port = {}
        [[upstream]]
        name = "receiver"
        type = "webhook"
        url = "{upstream}"
        "#,
        first + PORTS - 1,
        caller.ip(),
        caller.port(),
    );
    for group in groups {
        text += &format!("[[group]]\nname = {group:?}\n");
    }
    for ((name, extension, ..), password) in super::AGENTS.iter().zip(passwords) {
        text += &format!(
            "[[agent]]\nid = {name:?}\nextension = {extension:?}\npassword = {password:?}\ngroups = {groups:?}\n"
        );
    }
    Ok(text)
}

const PORTS: u16 = 20;

/// A range of UDP ports that nobody uses.
fn free_ports(dice: &mut Dice) -> anyhow::Result<u16> {
    for _ in 0..100 {
        let first = 20_000 + 2 * u16::try_from(dice.roll(15_000))?;
        let held: Vec<_> = (first..first + PORTS)
            .map_while(|port| UdpSocket::bind(("127.0.0.1", port)).ok())
            .collect();
        if held.len() == usize::from(PORTS) {
            return Ok(first);
        }
    }
    anyhow::bail!("no {PORTS} free UDP ports in a row on 127.0.0.1")
}
