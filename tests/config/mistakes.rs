//! A table of mistakes, each with the line a technician reads.

use super::{OFFICE, load, told, write};
use callpost::config::{Config, Surroundings, Unloadable};
use std::path::Path;

#[test]
fn the_office_itself_is_right() {
    let loaded = load(OFFICE).unwrap();
    assert_eq!(super::lines(&loaded.warnings), [""; 0]);
}

/// What is added to the office, and the lines that are told. `@` stands for the number of the first added line.
const TABLE: &[(&str, &[&str])] = &[
    // Recordings
    (
        "[recording]\nrecord_keys = \"1\"",
        &["office.toml:@1: recording.record_keys: `1` is no code — use 2 to 8 keys, such as *1"],
    ),
    (
        "[recording]\nconsent_prompt = \"no-such\"",
        &[
            "office.toml:@1: recording.consent_prompt: there is no prompt \"no-such\" in \"ar\" — put prompts/ar/no-such.wav there, or use \"recorded\"",
            "office.toml:@1: recording.consent_prompt: there is no prompt \"no-such\" in \"en\" — put prompts/en/no-such.wav there, or use \"recorded\"",
        ],
    ),
    (
        "[recording]\nconsent_opt_out_key = \"9\"",
        &[
            "office.toml:@1: recording.consent_opt_out_key: nobody hears of it — name the announcement in consent_prompt",
        ],
    ),
    (
        "[recording]\nseal_key = \"secret\"",
        &[
            "office.toml:@1: recording.seal_key: is no key — use 64 hexadecimal digits a line, as `openssl rand -hex 32` makes them",
        ],
    ),
    (
        "[recording]\n[[recording.rule]]\nrecord = \"answer\"\npercent = 101",
        &["office.toml:@1: recording.rule: percent is more than 100 — use 0 to 100"],
    ),
    // Keys and sections
    (
        "[sip]\nlisn = [\"udp://127.0.0.1:5060\"]",
        &["office.toml:@1: sip.lisn: unknown key — did you mean `listen`?"],
    ),
    (
        "[recordings]\nenabled = true",
        &["office.toml:@0: recordings: unknown section — did you mean `recording`?"],
    ),
    (
        "[telephone]",
        &[
            "office.toml:@0: telephone: unknown section — use one of: site, sip, guard, media, dialing, http, recording, retention, trace, cdr, egress, voicemail, mail, transcription, trunk, agent, group, number, upstream, pbx, route, storage, mailbox",
        ],
    ),
    (
        "[trunk]\nname = \"pbx\"",
        &["office.toml:@0: trunk: is not a list of tables — write [[trunk]] above each"],
    ),
    (
        "[sip]\nlisten = 5060",
        &["office.toml:@1: sip.listen: is the number 5060 — write a list in [ ]"],
    ),
    (
        "[sip]\nlisten = [\"127.0.0.1:5060\"]",
        &[
            "office.toml:@1: sip.listen: \"127.0.0.1:5060\" is no socket to listen on — write it as \"udp://127.0.0.1:5060\"",
        ],
    ),
    (
        "[sip]\nlisten = [\"tls://127.0.0.1:5061\", \"wss://127.0.0.1:5061\"]",
        &[
            "office.toml:@1: sip.listen: \"wss://127.0.0.1:5061\" and \"tls://127.0.0.1:5061\" want the same port — give one of them another port",
        ],
    ),
    (
        "[sip]\ntls_certificate = \"a.pem\"",
        &["office.toml:@1: sip.tls_certificate: stands without `tls_key` — write tls_key too"],
    ),
    (
        "[sip]\nws_origins = [\"crm.example\"]",
        &[
            "office.toml:@1: sip.ws_origins: \"crm.example\" is no origin — write it like \"https://crm.example\", without a path",
        ],
    ),
    (
        "[sip]\ndns_servers = [\"dns.example\"]",
        &[
            "office.toml:@1: sip.dns_servers: \"dns.example\" is no address of a DNS server — write it like \"192.168.1.1\" or \"192.168.1.1:5353\"",
        ],
    ),
    (
        "[http]\nlisten = \"8080\"",
        &["office.toml:@1: http.listen: is no address with a port — write it like \"127.0.0.1:8080\""],
    ),
    (
        "[http]\nlisten = \"127.0.0.1:5060\"",
        &[
            "office.toml:@1: http.listen: 127.0.0.1:5060 is taken by tcp://127.0.0.1:5060 — choose another port; 8080 is usual",
        ],
    ),
    (
        "[media]\nsrtp = \"maybe\"",
        &["office.toml:@1: media.srtp: \"maybe\" cannot be chosen here — use one of: off, allowed, required"],
    ),
    ("[media]\nsrtp = \"required\"\nsrtp_over_plain_sip = true", &[]),
    (
        "[[trunk]]\nname = \"secret\"\nhost = \"127.0.0.77\"\nsrtp = \"required\"",
        &[
            "office.toml:@3: trunk.secret.srtp: is required on a trunk without TLS, so that every call would be refused — let SIP go by TLS, or set srtp_over_plain_sip = true in [media]",
        ],
    ),
    (
        "[[trunk]]\nname = \"secret\"\nhost = \"127.0.0.77\"\ntransport = \"tls\"\nsrtp = \"required\"",
        &[],
    ),
    (
        "[media]\nrtp_ports = [10000]",
        &["office.toml:@1: media.rtp_ports: 1 does not fit — write two values in [ ]"],
    ),
    (
        "[media]\nrtp_ports = [10000, 70000]",
        &["office.toml:@1: media.rtp_ports: 70000 does not fit — write a whole number from 0 to 65535"],
    ),
    (
        "[media]\nrtp_ports = [5000, 6000]",
        &[
            "office.toml:@1: media.rtp_ports: [5000, 6000] holds the SIP port 5060 — choose ports beside it, such as [10000, 10999]",
        ],
    ),
    (
        "[recording]\nretention_days = 0",
        &["office.toml:@1: recording.retention_days: 0 keeps nothing — use 1 or more; 90 is usual"],
    ),
    // Trunks
    (
        "[[trunk]]\nname = \"pbx\"\nhost = \"127.0.0.20:5060\"\nallow = [\"127.0.0.0/40\"]\ntransport = \"sctp\"\nregister = true",
        &[
            "office.toml:@2: trunk.pbx.host: \"127.0.0.20:5060\" is no host — write an address or a name, the port in `port`",
            "office.toml:@3: trunk.pbx.allow: `/40` is not a prefix length of 0 to 32 — write it like \"192.168.1.0/24\"",
            "office.toml:@4: trunk.pbx.transport: \"sctp\" is no transport — use \"udp\", \"tcp\" or \"tls\"",
        ],
    ),
    (
        "[[trunk]]\nname = \"pbx\"\nhost = \"pbx.example\"\nregister = true",
        &[
            "office.toml:@3: trunk.pbx.register: needs a user name and a password — write username and password, or register = false",
        ],
    ),
    (
        "[[trunk]]\nhost = \"pbx.example\"\nport = \"5060\"",
        &[
            "office.toml:@0: trunk.1.name: is missing — write name = …",
            "office.toml:@2: trunk.1.port: is the text \"5060\" — write a whole number from 0 to 65535",
        ],
    ),
    // Agents
    (
        "[[agent]]\nid = \"mona\"\nextension = \"1002\"",
        &[
            "office.toml:@2: agent.mona.extension: stands without a password, so anybody could be it — write password_file = \"…\" or password = \"…\"",
        ],
    ),
    (
        "[[agent]]\nid = \"mona\"",
        &[
            "office.toml:@0: agent.mona: has no phone — write extension and password_file, or trunk and number, or contact",
        ],
    ),
    (
        "[[agent]]\nid = \"mona\"\ntrunk = \"pbx\"\nnumber = \"2002\"",
        &["office.toml:@2: agent.mona.trunk: there is no trunk \"pbx\" — there is no trunk yet; write one"],
    ),
    (
        "[[agent]]\nid = \"mona\"\nnumber = \"2002\"",
        &["office.toml:@2: agent.mona.number: stands without `trunk` — name the trunk the phone is behind"],
    ),
    (
        "[[agent]]\nid = \"door\"\ncontact = \"door@127.0.0.22\"\ngroups = [\"sale\"]",
        &[
            "office.toml:@2: agent.door.contact: \"door@127.0.0.22\" is no SIP address — write it like \"sip:door@192.168.1.30\"",
            "office.toml:@3: agent.door.groups: there is no group \"sale\" — did you mean \"sales\"?",
        ],
    ),
    (
        "[[agent]]\nid = \"ali\"\ncontact = \"sip:a@127.0.0.1\"\nextension = \"1001\"",
        &[
            "office.toml:@1: agent.ali.id: \"ali\" is taken already, at office.toml:8 — give one of the two another",
            "office.toml:@3: agent.ali.extension: \"1001\" is taken already, at office.toml:9 — give one of the two another",
        ],
    ),
    (
        "[[agent]]\nid = \"../etc\"\ncontact = \"sip:a@127.0.0.1\"",
        &["office.toml:@1: agent.../etc.id: \"../etc\" is no name — use letters, digits, - and _"],
    ),
    (
        "[[agent]]\nid = \"mona\"\ncontact = \"sip:a@127.0.0.1\"\nskills = { arabic = \"good\" }",
        &[
            "office.toml:@3: agent.mona.skills.arabic: is the text \"good\" — write a whole number from 0 to 255",
        ],
    ),
    (
        "[[agent]]\nid = \"mona\"\nextension = \"1002\"\npassword_file = \"secrets/mona\"",
        &[
            "office.toml:@3: agent.mona.password_file: secrets/mona cannot be read: No such file or directory (os error 2) — put the password into secrets/mona",
        ],
    ),
    (
        "[[agent]]\nid = \"mona\"\nextension = \"1002\"\npassword = 99887766",
        &["office.toml:@3: agent.mona.password: is no text — write a text in \"quotes\""],
    ),
    // Groups
    (
        "[[group]]\nname = \"support\"\nring_seconds = 0\nattempts = -1\nstrategy = \"linear\"\noverflow = \"voice\"\n[[agent]]\nid = \"x\"\ncontact = \"sip:a@127.0.0.1\"\ngroups = [\"support\"]",
        &[
            "office.toml:@2: group.support.ring_seconds: 0 never rings — use 1 or more; 30 is usual",
            "office.toml:@3: group.support.attempts: -1 does not fit — write a whole number, 0 or more",
            "office.toml:@4: group.support.strategy: \"linear\" is not served by this version — use \"ring_all\"",
            "office.toml:@5: group.support.overflow: \"voice\" is no place to go — use \"voicemail\", \"hangup\", \"flow:NAME\", \"group:NAME\" or \"agent:ID\"",
        ],
    ),
    (
        "[[group]]\nname = \"a\"\noverflow = \"group:b\"\n[[group]]\nname = \"b\"\noverflow = \"group:a\"",
        &[
            "office.toml:@2: group.a.overflow: hands the caller on in a circle: a → b → a — let one of them end in \"voicemail\" or \"hangup\"",
        ],
    ),
    (
        "[[group]]\nname = \"a\"\noverflow = \"flow:night\"",
        &["office.toml:@2: group.a.overflow: there is no flow \"night\" — there is no flow yet; write one"],
    ),
    // Numbers
    (
        "[[number]]\nmatch = \"2000\"",
        &["office.toml:@0: number.2000: leads nowhere — write flow = …, group = … or agent = …"],
    ),
    (
        "[[number]]\nmatch = \"2000\"\ngroup = \"sales\"\nagent = \"alli\"",
        &[
            "office.toml:@3: number.2000.agent: leads to group and agent at once — keep one of them",
            "office.toml:@3: number.2000.agent: there is no agent \"alli\" — did you mean \"ali\"?",
        ],
    ),
    (
        "[[number]]\nmatch = \"+1000\"\ngroup = \"sales\"",
        &[
            "office.toml:@1: number.+1000.match: \"1000\" is taken already, at office.toml:13 — give one of the two another",
        ],
    ),
    (
        "[[number]]\nmatch = \"front desk\"\ngroup = \"sales\"",
        &[
            "office.toml:@1: number.front desk.match: \"front desk\" cannot be dialled — write a number, a user part, or \"*\" for the rest",
        ],
    ),
    // Upstreams and PBXs
    (
        "[[upstream]]\nname = \"head-office\"\ntype = \"webhok\"\nurl = 5",
        &[
            "office.toml:@2: upstream.head-office.type: \"webhok\" cannot be chosen here — did you mean `webhook`?",
            "office.toml:@3: upstream.head-office.url: is the number 5 — write a text in \"quotes\"",
        ],
    ),
    (
        "[[pbx]]\nname = \"onepos\"\ntype = \"onepos\"\nbatch = 0\ncron = \"often\"\napi_url = \"http://pbx.example/cdrs\"",
        &[
            "office.toml:@3: pbx.onepos.batch: 0 is no page — use 1 to 1000; 200 is usual",
            "office.toml:@4: pbx.onepos.cron: the schedule has 1 fields — write six fields, such as \"0 */5 * * * *\" for every 5 minutes",
            "office.toml:@5: pbx.onepos.api_url: is plain http, which shows calls and key to everybody on the way — use https, or set allow_http = true when the way to the PBX is trusted",
        ],
    ),
    // What is no TOML
    (
        "[sip\nrealm = callpost",
        &[
            "office.toml:@0: is no TOML: unclosed table, expected `]` — write `key = value`, texts in \"quotes\", lists in [ ], tables under [name]",
        ],
    ),
];

#[test]
fn each_mistake_reads_as_it_should() {
    let first_line = OFFICE.lines().count() + 1;
    let mut wrong = Vec::new();
    for (added, expected) in TABLE {
        let found = told(load(&format!("{OFFICE}{added}\n")));
        let expected: Vec<String> = expected
            .iter()
            .map(|line| with_number(line, first_line))
            .collect();
        if found != expected {
            wrong.push(format!(
                "{added}\n  told:\n    {}\n  not:\n    {}",
                found.join("\n    "),
                expected.join("\n    ")
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

/// `@2` → the number of the third added line.
fn with_number(line: &str, first: usize) -> String {
    let Some((before, after)) = line.split_once('@') else {
        return line.to_owned();
    };
    let (digit, rest) = after.split_at(1);
    format!("{before}{}{rest}", first + digit.parse::<usize>().unwrap())
}

#[test]
fn all_mistakes_of_all_sections_are_told_at_once_in_the_order_of_the_lines() {
    let text = "[site]\nname = 5\ntimezone = \"Mars/Olympus\"\ncountry = \"Saudi\"\nlanguages = [\"en\", \"fr\"]\n\
                [media]\ncodecs = [\"G729\"]\nrtp_ports = \"all\"\n\
                [[group]]\nname = \"sales\"\nring_seconds = \"long\"\n[[agent]]\nid = \"ali\"\nextension = \"1001\"\n\
                passwort = \"x\"\ngroups = [\"sales\", \"sails\"]\n";
    let found = told(load(text));
    let expected = [
        "office.toml:2: site.name: is the number 5 — write a text in \"quotes\"",
        "office.toml:3: site.timezone: \"Mars/Olympus\" is no time zone — write region and city, such as \"Asia/Riyadh\"",
        "office.toml:4: site.country: \"Saudi\" is no country code — write two letters, such as \"SA\"",
        "office.toml:5: site.languages: there are no prompts in \"fr\" — make prompts/fr/ or take the language out",
        "office.toml:7: media.codecs: \"G729\" is not a codec of this box — use PCMU, PCMA, G722 or opus",
        "office.toml:7: media.codecs: no G.711 — name at least one of PCMU and PCMA",
        "office.toml:8: media.rtp_ports: is the text \"all\" — write two values in [ ]",
        "office.toml:11: group.sales.ring_seconds: is the text \"long\" — write a whole number, 0 or more",
        "office.toml:15: agent.ali.passwort: unknown key — did you mean `password`?",
        "office.toml:16: agent.ali.groups: there is no group \"sails\" — did you mean \"sales\"?",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_flow_is_checked_with_the_place_of_each_mistake() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            (
                "callpost.toml",
                &OFFICE.replace("group = \"sales\"\n", "flow = \"main\"\n"),
            ),
            (
                "flows/main.toml",
                "name = \"main\"\nstart = \"hello\"\n\
                 [step.hello]\nverb = \"play\"\nprompt = \"jingle\"\nnext = \"menu\"\n\
                 [step.menu]\nverb = \"menu\"\nprompt = \"main-menu\"\nkeys = { 1 = \"sale\", x = \"sales\" }\ntimeout_second = 4\n\
                 [step.sales]\nverb = \"ringg\"\ngroup = \"sales\"\n\
                 [step.round]\nverb = \"goto\"\nnext = \"round\"\n\
                 [step.later]\nverb = \"pause\"\nseconds = \"long\"\n\
                 [step.nothing]\n",
            ),
            (
                "flows/second.toml",
                "name = \"main\"\nstrat = \"a\"\n[step.a]\nverb = \"hangup\"\n",
            ),
            (
                "flows/third.toml",
                "start = \"a\"\n[step.a]\nverb = \"ring\"\ngroup = \"nobody\"\nbusy = \"b\"\n",
            ),
            ("prompts/en/jingle.wma", "x"),
        ],
    );
    let found = told(Config::load_in(
        Some(&folder.path().join("callpost.toml")),
        &Surroundings::default(),
    ));
    let folder = folder.path().display().to_string();
    let found: Vec<String> = found
        .iter()
        .map(|line| line.replace(&format!("{folder}/"), ""))
        .collect();
    let expected = [
        "flows/main.toml:5: step.hello.prompt: there is no prompt `jingle` in en, ar — put a jingle.wav into prompts/<language>/ or name another",
        "flows/main.toml:10: step.menu.keys: `x` is not a telephone key — use 0-9, *, # or A-D",
        "flows/main.toml:11: step.menu.timeout_second: unknown key — did you mean `timeout_seconds`?",
        "flows/main.toml:13: step.sales.verb: there is no verb \"ringg\" — did you mean \"ring\"?",
        "flows/main.toml:15: step.round: goes in a circle without a wait: round → round — put a prompt, a pause or a menu between",
        "flows/main.toml:20: step.later.seconds: is the text \"long\" — write a number of seconds",
        "flows/main.toml:21: step.nothing.verb: is missing — write verb = one of: gather, goto, hangup, hours, language, menu, messages, pause, play, ring, say, set, tell, voicemail",
        "flows/second.toml:2: strat: unknown key — did you mean `start`?",
        "flows/third.toml:4: step.a.group: there is no group `nobody` — use one of: sales",
        "flows/third.toml:5: step.a.busy: there is no step `b` — use one of: a",
        "prompts/en/jingle.wma: wma cannot be decoded by this box — convert it to wav, mp3, ogg or flac",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_only_worth_a_look_is_a_warning() {
    let text = format!(
        "{OFFICE}[[group]]\nname = \"empty\"\n[[agent]]\nid = \"mona\"\nextension = \"1002\"\npassword = \"1002\"\n\
         [[trunk]]\nname = \"open\"\nhost = \"pbx.example\"\n\
         allow = [\"0.0.0.0/0\"]\n"
    );
    let first = OFFICE.lines().count() + 1;
    let loaded = load(&text).unwrap();
    let expected = [
        format!(
            "office.toml:{first}: group.empty: has nobody to ring — write groups = [\"empty\"] at an agent"
        ),
        format!(
            "office.toml:{}: agent.mona.password: is easy to guess — use 12 or more characters; phones remember them",
            first + 5
        ),
        format!(
            "office.toml:{}: trunk.open.allow: lets the whole world call in as this trunk — name the networks the trunk calls from",
            first + 9
        ),
    ];
    assert_eq!(super::lines(&loaded.warnings), expected);
}

#[test]
fn a_file_that_cannot_be_read_is_told_from_one_with_mistakes() {
    let nowhere = Config::load_in(
        Some(Path::new("/nowhere/callpost.toml")),
        &Surroundings::default(),
    );
    assert!(matches!(&nowhere, Err(Unloadable::Unreadable { .. })));
    assert_eq!(
        told(nowhere),
        ["/nowhere/callpost.toml: cannot be read: No such file or directory (os error 2)"]
    );
}

#[test]
fn no_text_makes_the_reader_panic() {
    let mut dice = callpost::model::Dice::from_number(11);
    let alphabet = "[]{}=\"'.,#\n\\ abz019-_é*";
    let letters: Vec<char> = alphabet.chars().collect();
    for _ in 0..3000 {
        let mut text: Vec<char> = OFFICE.chars().collect();
        for _ in 0..=dice.roll(5) {
            let place = dice.roll(text.len() as u64) as usize;
            let letter = letters[dice.roll(letters.len() as u64) as usize];
            match dice.roll(3) {
                0 => text[place] = letter,
                1 => text.insert(place, letter),
                _ => drop(text.remove(place)),
            }
        }
        let text: String = text.into_iter().collect();
        let _ = load(&text);
    }
}
