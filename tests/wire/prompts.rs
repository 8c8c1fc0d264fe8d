//! Prompts change under the callers' ears: uploaded, deleted, reloaded, while the box serves calls.

use crate::harness::rtp::Voice;
use crate::harness::sip::{Dialog, Phone};
use crate::harness::{Appliance, Household, PATIENCE, Street, eventually, tone, wav};
use std::net::SocketAddrV4;
use std::rc::Rc;
use std::time::Duration;

const SHIPPED_HZ: u32 = 700;
const UPLOADED_HZ: u32 = 1_100;
const RELOADED_HZ: u32 = 500;
/// One prompt, so long that whoever hears it hears only the one of their beginning.
const LONG: Duration = Duration::from_secs(120);
const A_WHILE: Duration = Duration::from_secs(1);

/// Says one prompt for ever.
const JINGLE: &str = r#"
name = "jingle"
start = "play"
[step.play]  verb="play"  prompt="jingle"  next="play"
"#;

fn household(hertz: u32) -> Household {
    Household::new()
        .number("7100", r#"flow="jingle""#)
        .flow("jingle", JINGLE)
        .prompt("jingle", hertz, LONG)
}

/// A caller who listens.
struct Listener {
    call: Dialog,
    voice: Voice,
}

impl Listener {
    fn call(caller: &Rc<Phone>, street: &Street) -> Self {
        let voice = Voice::at(street.pbx());
        let call = caller.dial("7100", voice.address).answered();
        voice.hum(call.audio, 300);
        Self { call, voice }
    }

    #[track_caller]
    fn hears(&self, hertz: u32) {
        eventually(&format!("{hertz} Hz are heard"), PATIENCE, || {
            (tone::heard(&self.voice.heard(), hertz) >= A_WHILE).then_some(())
        });
    }

    fn hang_up(self, never: &[u32]) {
        let heard = self.voice.heard();
        for hertz in never {
            assert_eq!(tone::heard(&heard, *hertz), Duration::ZERO, "{hertz} Hz");
        }
        self.call.hang_up();
    }
}

/// Callers from one moment on hear what was uploaded, deleted or reloaded then; those who were listening hear what they
/// heard, to its end and without a gap.
#[test]
fn a_prompt_is_exchanged_without_a_restart_and_without_a_word_lost() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &household(SHIPPED_HZ));
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let first = Listener::call(&caller, &street);
    first.hears(SHIPPED_HZ);

    // Wide and on two channels, as a studio delivers it.
    let file = appliance.folder().join("from-the-studio.wav");
    let studio = tone::sine_at(UPLOADED_HZ, Duration::from_secs(40), 44_100, 2);
    wav::write_file_at(&file, &studio, 44_100, 2);
    let answer = appliance.upload(
        "/api/v1/prompts/en/jingle",
        &std::fs::read(&file).expect("the file"),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let taken = answer.json();
    assert_eq!(
        (&taken["origin"], &taken["covers"]),
        (&"uploaded".into(), &"file".into())
    );
    assert_eq!(taken["used_by"], serde_json::json!(["flow jingle"]));
    let second = Listener::call(&caller, &street);
    second.hears(UPLOADED_HZ);
    first.voice.forget();
    first.hears(SHIPPED_HZ);
    let audio = appliance.get("/api/v1/prompts/en/jingle/audio");
    let listened = wav::read(&audio.body);
    assert!(listened.heard(&listened.channels[0], UPLOADED_HZ) > Duration::from_secs(35));

    let refused = appliance.upload("/api/v1/prompts/en/jingle", b"RIFF");
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(appliance.delete("/api/v1/prompts/en/jingle"), 200);
    let third = Listener::call(&caller, &street);
    third.hears(SHIPPED_HZ);

    // A file beside the configuration, taken over by SIGHUP.
    appliance.refurnish(&street, &household(RELOADED_HZ));
    let path = "/api/v1/prompts/en/jingle/audio";
    eventually("the new file is taken over", PATIENCE, || {
        let listened = wav::read(&appliance.get(path).body);
        (listened.heard(&listened.channels[0], RELOADED_HZ) > A_WHILE).then_some(())
    });
    let fourth = Listener::call(&caller, &street);
    fourth.hears(RELOADED_HZ);
    first.hang_up(&[UPLOADED_HZ, RELOADED_HZ]);
    second.hang_up(&[SHIPPED_HZ, RELOADED_HZ]);
    third.hang_up(&[UPLOADED_HZ, RELOADED_HZ]);
    fourth.hang_up(&[SHIPPED_HZ, UPLOADED_HZ]);
    appliance.until_quiet();
}
