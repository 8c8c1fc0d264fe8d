//! The environment over the file, and secrets from files of their own.

use super::{OFFICE, told, write};
use callpost::config::{Config, Loaded, Surroundings, Unloadable};

fn load_with(variables: &[(&str, &str)]) -> Result<Loaded, Unloadable> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::from_text(
        "office.toml",
        OFFICE,
        &Surroundings {
            variables,
            ..Surroundings::default()
        },
    )
}

#[test]
fn a_variable_wins_over_the_file_and_is_read_as_toml_or_as_text() {
    let config = load_with(&[
        ("CALLPOST__SITE__NAME", "branch 07"),
        ("CALLPOST__SIP__LISTEN", r#"["udp://127.0.0.1:5070"]"#),
        ("CALLPOST__RECORDING__ENABLED", "false"),
        ("CALLPOST__AGENT__ALI__PASSWORD", "12345678901234567890"),
        ("CALLPOST__AGENT__ALI__SKILLS__ARABIC", "5"),
        ("CALLPOST__GROUP__SALES__RING_SECONDS", "12"),
        ("CALLPOST_ADMIN_TOKEN", "is not ours"),
        ("HOME", "/"),
    ])
    .unwrap()
    .config;
    assert_eq!(config.site.name, "branch 07");
    assert_eq!(config.sip.listen.len(), 1);
    assert!(!config.recording.enabled);
    assert_eq!(config.agents[0].password.expose(), "12345678901234567890");
    assert_eq!(config.agents[0].skills["arabic"], 5);
    assert_eq!(config.groups[0].ring_seconds, 12);
}

#[test]
fn a_number_where_a_text_is_wanted_is_taken_as_text() {
    let config = load_with(&[
        ("CALLPOST__SITE__NAME", "7"),
        ("CALLPOST__AGENT__ALI__EXTENSION", "2001"),
    ]);
    let config = config.unwrap().config;
    assert_eq!(config.site.name, "7");
    assert_eq!(config.agents[0].extension, Some("2001".into()));
}

#[test]
fn a_mistake_in_the_environment_names_the_variable() {
    let found = told(load_with(&[
        ("CALLPOST__SIP", "x"),
        ("CALLPOST__SIP__LISTEN", "udp://127.0.0.1:5060"),
        ("CALLPOST__SIT__NAME", "x"),
        ("CALLPOST__SITE__DRAIN_SECONDS", "soon"),
        ("CALLPOST__AGENT__ALLI__PASSWORD", "x"),
        ("CALLPOST__TRUNK__PBX__PASSWORD", "x"),
        ("CALLPOST__GROUP__SALES__RING_SECONDS", "0"),
    ]));
    let expected = [
        "environment CALLPOST__AGENT__ALLI__PASSWORD: agent.alli.password: there is no [[agent]] with id = \"alli\" — did you mean ali?",
        "environment CALLPOST__GROUP__SALES__RING_SECONDS: group.sales.ring_seconds: 0 never rings — use 1 or more; 30 is usual",
        "environment CALLPOST__SIP: sip: CALLPOST__SIP names no key — name section and key, such as CALLPOST__SIP__REALM",
        "environment CALLPOST__SIP__LISTEN: sip.listen: is the text \"udp://127.0.0.1:5060\" — write a list in [ ]",
        "environment CALLPOST__SITE__DRAIN_SECONDS: site.drain_seconds: is the text \"soon\" — write a whole number, 0 or more",
        "environment CALLPOST__SIT__NAME: sit: unknown section — did you mean `site`?",
        "environment CALLPOST__TRUNK__PBX__PASSWORD: trunk.pbx.password: there is no [[trunk]] — write it into the file first",
    ];
    let mut found = found;
    let mut expected = expected.map(str::to_owned).to_vec();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn secrets_come_from_files_beside_the_configuration_and_from_the_credentials_of_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let text = OFFICE.replace("password = \"correct horse battery\"", "password_file = \"ali\"");
    write(
        folder.path(),
        &[
            ("etc/callpost.toml", &text),
            ("etc/ali", "beside the file\n"),
            ("run/ali", "from systemd"),
        ],
    );
    let path = folder.path().join("etc/callpost.toml");
    let password = |around: &Surroundings| {
        let config = Config::load_in(Some(&path), around).unwrap().config;
        config.agents[0].password.expose().to_owned()
    };
    assert_eq!(password(&Surroundings::default()), "beside the file");
    let service = Surroundings {
        credentials: Some(folder.path().join("run")),
        ..Surroundings::default()
    };
    assert_eq!(password(&service), "from systemd");
    write(folder.path(), &[("etc/ali", "\n")]);
    let found = told(Config::load_in(Some(&path), &Surroundings::default()));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("agent.ali.password_file"), "{found:?}");
    assert!(
        found[0].contains("etc/ali is empty — put the password into"),
        "{found:?}"
    );
}

/// S0-139
#[test]
fn a_database_url_names_the_folder_of_our_own_database_and_any_other_database_is_refused() {
    for (url, folder) in [
        ("sqlite:/var/lib/callpost/callpost.db", "/var/lib/callpost"),
        ("sqlite:///srv/box/callpost.db?mode=rwc", "/srv/box"),
        ("sqlite:data/", "data"),
        ("sqlite:callpost.db", "."),
        ("sqlite:./data/callpost.db", "./data"),
    ] {
        let config = load_with(&[("DATABASE_URL", url)]).unwrap().config;
        assert_eq!(config.site.data_dir, std::path::Path::new(folder), "{url}");
    }
    let ours = [
        ("DATABASE_URL", "sqlite:/srv/callpost.db"),
        ("CALLPOST__SITE__DATA_DIR", "/own"),
    ];
    let config = load_with(&ours).unwrap().config;
    assert_eq!(
        config.site.data_dir,
        std::path::Path::new("/own"),
        "a key of ours goes first"
    );
    assert!(load_with(&[("DATABASE_URL", "")]).is_ok());
    for (url, word) in [
        (
            "postgresql://crm:hunter2@db.example/cdrs",
            "postgresql is no database of this box",
        ),
        ("mysql://root:hunter2@db.example/cdrs", "mysql is no database"),
        ("file:/x/callpost.db", "file is no database"),
        ("hunter2", "it is no database"),
        ("sqlite:/srv/hunter2.sqlite", "always called callpost.db"),
    ] {
        let found = told(load_with(&[("DATABASE_URL", url)])).join("\n");
        assert!(
            found.contains("environment DATABASE_URL: site.data_dir: "),
            "{found}"
        );
        assert!(
            found.contains(word) && found.contains("sqlite:/var/lib/callpost/callpost.db"),
            "{found}"
        );
        assert!(!found.contains("hunter2"), "{found}");
    }
}
