//! Real phones that speak TLS, and the certificate they are shown.

use crate::harness::baresip::Account;
use crate::harness::{Appliance, Baresip, Household, Linphone, PATIENCE, Street, eventually, tone};
use std::path::PathBuf;
use std::time::Duration;

/// What the caller hums.
const CALLER_HZ: u32 = 440;
/// What the called side hums.
const CALLED_HZ: u32 = 1000;

/// What the box made for itself: who believes it believes this box alone.
fn certificate_of(appliance: &Appliance) -> PathBuf {
    appliance.data().join("tls/sip.pem")
}

/// RFC 3261 §26.2.1, RFC 5626: each phone is called along the connection it opened itself, for nobody could open one
/// to it.
#[test]
fn two_phones_that_registered_by_tls_are_called_along_the_connections_they_opened() {
    let street = Street::claim();
    let household = Household::new()
        .listening("tls")
        .phone("ali", "1001", &[])
        .phone("mona", "1002", &[]);
    let appliance = Appliance::open(&street, &household);
    let account = Account::new("1001", street.box_by("tls"));
    let mut ali = Baresip::start(
        &street,
        &account.humming(CALLER_HZ).trusting(certificate_of(&appliance)),
    );
    let mut mona = Linphone::start_encrypted(
        "1002",
        street.house(32),
        street.box_by("tls"),
        CALLED_HZ,
        &certificate_of(&appliance),
    );
    appliance.until_registered(2);
    for registration in appliance.status()["registrations"]
        .as_array()
        .into_iter()
        .flatten()
    {
        assert_eq!(registration["transport"], "tls");
    }

    ali.dial("1002");
    mona.wait_for("Receiving new incoming call");
    mona.accept();
    ali.wait_for("CALL_ESTABLISHED");
    eventually("they hear each other", PATIENCE, || {
        let both = ali.heard_so_far(CALLED_HZ).min(mona.heard(CALLER_HZ));
        (both >= Duration::from_secs(1)).then_some(())
    });
    mona.hang_up();
    ali.wait_for("CALL_CLOSED");
    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("agent")), ("ANSWER", "mona"));

    // The other way round.
    mona.dial("1001");
    ali.wait_for("CALL_INCOMING");
    ali.accept();
    mona.wait_for("Media streams established");
    ali.hang_up();
    mona.wait_for("ended");
    let records = appliance.until_recorded(2);
    assert_eq!(records[1].text("agent"), "ali");
    let recording = appliance.recording(&records[0].recording());
    assert!(tone::heard(&recording.channels[0], CALLER_HZ) >= Duration::from_millis(800));
}

/// A phone that believes another certificate does not speak to the box, and nothing of it is registered.
#[test]
fn a_phone_that_does_not_believe_the_certificate_stays_away() {
    let (street, elsewhere) = (Street::claim(), Street::claim());
    let household = Household::new().listening("tls").phone("ali", "1001", &[]);
    let appliance = Appliance::open(&street, &household);
    let other = Appliance::open(&elsewhere, &Household::new().listening("tls"));
    let phone = Linphone::start_encrypted(
        "1001",
        street.house(32),
        street.box_by("tls"),
        CALLER_HZ,
        &certificate_of(&other),
    );
    eventually("the phone finds the certificate bad", PATIENCE, || {
        phone
            .trace()
            .contains("Certificate verification failed")
            .then_some(())
    });
    eventually("the phone gives up", PATIENCE, || {
        phone.trace().contains("RegistrationFailed").then_some(())
    });
    appliance.until_registered(0);
}
