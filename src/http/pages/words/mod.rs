//! Every word the pages say, in the languages they say it in. A translation is one more file with its line in
//! [`ALL`]; braces in a sentence name what is put in.

mod arabic;
mod boxes;
mod call;
mod choice;
mod english;
mod journal;
mod keeping;
mod people;
mod phones;
mod prompts;
mod settings;
mod verdict;
mod vietnamese;

pub(super) use boxes::BoxWords;
pub(super) use call::CallWords;
pub(in crate::http) use choice::Chosen;
pub(in crate::http) use choice::{cookie, offered};
pub(super) use english::ENGLISH;
pub(super) use journal::Journal;
pub(super) use keeping::{Keeping, keeping};
pub(super) use people::{PeopleWords, people};
pub(super) use phones::PhoneWords;
pub(super) use prompts::PromptWords;
pub(super) use settings::SettingsWords;

/// The languages, the one that is spoken when none is asked for first.
pub(super) static ALL: [&Words; 3] = [&ENGLISH, &arabic::ARABIC, &vietnamese::VIETNAMESE];

/// The words of one language.
///
/// Braces name what is put in: `{n}` a number, `{all}` the whole it is of, `{who}`, `{time}`.
#[derive(Debug)]
pub(in crate::http) struct Words {
    /// Language tag of the page.
    pub(in crate::http::pages) lang: &'static str,
    /// What the language calls itself.
    pub(in crate::http::pages) own_name: &'static str,
    /// `ltr` or `rtl`.
    pub(in crate::http::pages) dir: &'static str,
    /// Names of the languages callers choose; one that is missing is shown by its tag.
    pub(in crate::http::pages) languages: &'static [(&'static str, &'static str)],
    /// The words of the pages about records.
    pub(in crate::http::pages) journal: Journal,
    // the frame
    pub(in crate::http::pages) now: &'static str,
    pub(in crate::http::pages) log_out: &'static str,
    pub(in crate::http::pages) site_time: &'static str,
    pub(in crate::http::pages) clock_not_set: &'static str,
    pub(in crate::http::pages) skip: &'static str,
    pub(in crate::http::pages) link_lost: &'static str,
    pub(in crate::http::pages) needs_script: &'static str,
    pub(in crate::http::pages) version: &'static str,
    pub(in crate::http::pages) date_form: &'static str,
    // how the box stands
    pub(in crate::http::pages) well: &'static str,
    pub(in crate::http::pages) well_with_warning: &'static str,
    pub(in crate::http::pages) needs_attention: &'static str,
    pub(in crate::http::pages) not_accepting: &'static str,
    pub(in crate::http::pages) engine_silent: &'static str,
    pub(in crate::http::pages) running_for: &'static str,
    pub(in crate::http::pages) alarms: &'static str,
    pub(in crate::http::pages) critical: &'static str,
    pub(in crate::http::pages) warning: &'static str,
    // figures
    pub(in crate::http::pages) live_calls: &'static str,
    pub(in crate::http::pages) waiting: &'static str,
    pub(in crate::http::pages) agents_free: &'static str,
    pub(in crate::http::pages) phones: &'static str,
    pub(in crate::http::pages) answered: &'static str,
    pub(in crate::http::pages) of_all: &'static str,
    pub(in crate::http::pages) since_start: &'static str,
    pub(in crate::http::pages) longest: &'static str,
    pub(in crate::http::pages) nobody_waits: &'static str,
    pub(in crate::http::pages) ports_used: &'static str,
    pub(in crate::http::pages) registered: &'static str,
    // live calls
    pub(in crate::http::pages) no_calls: &'static str,
    pub(in crate::http::pages) no_calls_hint: &'static str,
    pub(in crate::http::pages) caller: &'static str,
    pub(in crate::http::pages) withheld: &'static str,
    pub(in crate::http::pages) inbound: &'static str,
    pub(in crate::http::pages) outbound: &'static str,
    pub(in crate::http::pages) internal: &'static str,
    pub(in crate::http::pages) arriving: &'static str,
    pub(in crate::http::pages) in_menu: &'static str,
    pub(in crate::http::pages) ringing: &'static str,
    pub(in crate::http::pages) ringing_whom: &'static str,
    pub(in crate::http::pages) phones_ring: &'static str,
    pub(in crate::http::pages) one_phone_rings: &'static str,
    pub(in crate::http::pages) talking: &'static str,
    pub(in crate::http::pages) talking_with: &'static str,
    pub(in crate::http::pages) leaving_message: &'static str,
    pub(in crate::http::pages) ending: &'static str,
    pub(in crate::http::pages) on_hold: &'static str,
    pub(in crate::http::pages) recording: &'static str,
    pub(in crate::http::pages) voice: &'static str,
    pub(in crate::http::pages) voice_with_loss: &'static str,
    pub(in crate::http::pages) by_trunk: &'static str,
    pub(in crate::http::pages) hang_up: &'static str,
    pub(in crate::http::pages) hang_up_sure: &'static str,
    pub(in crate::http::pages) hang_up_failed: &'static str,
    // agents, groups
    pub(in crate::http::pages) agents: &'static str,
    pub(in crate::http::pages) no_agents: &'static str,
    pub(in crate::http::pages) available: &'static str,
    pub(in crate::http::pages) agent_ringing: &'static str,
    pub(in crate::http::pages) busy: &'static str,
    pub(in crate::http::pages) wrap_up: &'static str,
    pub(in crate::http::pages) on_break: &'static str,
    pub(in crate::http::pages) offline: &'static str,
    pub(in crate::http::pages) tally: &'static str,
    pub(in crate::http::pages) groups: &'static str,
    pub(in crate::http::pages) no_groups: &'static str,
    pub(in crate::http::pages) free: &'static str,
    pub(in crate::http::pages) wait_for: &'static str,
    // phones, trunks
    pub(in crate::http::pages) no_phones: &'static str,
    pub(in crate::http::pages) expires_in: &'static str,
    pub(in crate::http::pages) phone_silent: &'static str,
    pub(in crate::http::pages) behind_router: &'static str,
    pub(in crate::http::pages) trunks: &'static str,
    pub(in crate::http::pages) no_trunks: &'static str,
    pub(in crate::http::pages) since: &'static str,
    pub(in crate::http::pages) trunk_registered: &'static str,
    pub(in crate::http::pages) trunk_refuses: &'static str,
    pub(in crate::http::pages) up: &'static str,
    pub(in crate::http::pages) down: &'static str,
    pub(in crate::http::pages) unknown: &'static str,
    pub(in crate::http::pages) round_trip: &'static str,
    pub(in crate::http::pages) trunk_calls: &'static str,
    pub(in crate::http::pages) trunk_call: &'static str,
    pub(in crate::http::pages) no_trunk_calls: &'static str,
    // addresses shut out
    pub(in crate::http::pages) shut_out: &'static str,
    pub(in crate::http::pages) wrong_passwords: &'static str,
    pub(in crate::http::pages) shut_out_for: &'static str,
    pub(in crate::http::pages) lift_ban: &'static str,
    pub(in crate::http::pages) lift_ban_sure: &'static str,
    // last calls
    pub(in crate::http::pages) last_calls: &'static str,
    pub(in crate::http::pages) no_records: &'static str,
    pub(in crate::http::pages) no_store: &'static str,
    pub(in crate::http::pages) when: &'static str,
    pub(in crate::http::pages) whom: &'static str,
    pub(in crate::http::pages) outcome: &'static str,
    pub(in crate::http::pages) talk: &'static str,
    pub(in crate::http::pages) wait: &'static str,
    pub(in crate::http::pages) audio: &'static str,
    pub(in crate::http::pages) status_answer: &'static str,
    pub(in crate::http::pages) status_canceled: &'static str,
    pub(in crate::http::pages) status_busy: &'static str,
    pub(in crate::http::pages) status_no_answer: &'static str,
    pub(in crate::http::pages) status_failed: &'static str,
    pub(in crate::http::pages) status_voicemail: &'static str,
    pub(in crate::http::pages) the_menu: &'static str,
    pub(in crate::http::pages) play: &'static str,
    pub(in crate::http::pages) play_which: &'static str,
    // the player
    pub(in crate::http::pages) player: &'static str,
    pub(in crate::http::pages) pause: &'static str,
    pub(in crate::http::pages) position: &'static str,
    pub(in crate::http::pages) listen_to: &'static str,
    pub(in crate::http::pages) both: &'static str,
    pub(in crate::http::pages) only_caller: &'static str,
    pub(in crate::http::pages) only_agent: &'static str,
    pub(in crate::http::pages) download: &'static str,
    pub(in crate::http::pages) close: &'static str,
    pub(in crate::http::pages) audio_failed: &'static str,
    // the way in
    pub(in crate::http::pages) log_in: &'static str,
    pub(in crate::http::pages) welcome: &'static str,
    pub(in crate::http::pages) claim_title: &'static str,
    pub(in crate::http::pages) claim_text: &'static str,
    pub(in crate::http::pages) claim_code: &'static str,
    pub(in crate::http::pages) name: &'static str,
    pub(in crate::http::pages) password: &'static str,
    pub(in crate::http::pages) new_password: &'static str,
    pub(in crate::http::pages) new_password_hint: &'static str,
    pub(in crate::http::pages) claim_button: &'static str,
    pub(in crate::http::pages) wrong_login: &'static str,
    pub(in crate::http::pages) wrong_code: &'static str,
    pub(in crate::http::pages) bad_name: &'static str,
    pub(in crate::http::pages) password_short: &'static str,
    pub(in crate::http::pages) password_long: &'static str,
    pub(in crate::http::pages) too_many: &'static str,
    pub(in crate::http::pages) try_again: &'static str,
    pub(in crate::http::pages) foreign_form: &'static str,
    pub(in crate::http::pages) nobody_yet: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UTF-8 that was read as Latin-1 or Windows-1252 shows as the sign of a leading byte with that of a following
    /// one behind it; a letter that was lost shows as U+FFFD.
    fn mojibake(text: &str) -> Option<String> {
        let leads = |sign: char| ('\u{c2}'..='\u{f4}').contains(&sign);
        let follows = |sign: char| {
            ('\u{80}'..='\u{bf}').contains(&sign) || "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains(sign)
        };
        let signs: Vec<char> = text.chars().collect();
        let pair = signs.windows(2).find(|pair| leads(pair[0]) && follows(pair[1]));
        let lost = text.contains('\u{fffd}').then(|| "\u{fffd}".to_owned());
        lost.or_else(|| pair.map(|pair| pair.iter().collect()))
    }

    #[test]
    fn a_broken_word_is_recognised_and_a_sound_one_is_not() {
        for broken in [
            "Cáº¥u hÃ¬nh",
            "KÃ\u{ad}ch hoáº¡t",
            "It\u{e2}€™s",
            "�ồng bộ",
            "Ø§Ù„",
        ] {
            assert!(mojibake(broken).is_some(), "{broken}");
        }
        for sound in ["Cấu hình", "Âm thanh", "Đã đồng bộ…", "الصوت", "1–25"] {
            assert_eq!(mojibake(sound), None, "{sound}");
        }
    }

    /// S0-009
    #[test]
    fn no_word_was_broken_by_a_wrong_encoding() {
        let shipped = [
            include_str!("english.rs"),
            include_str!("arabic.rs"),
            include_str!("vietnamese.rs"),
            include_str!("prompts.rs"),
            include_str!("../../assets/common.js"),
            include_str!("../../assets/journal.js"),
            include_str!("../../assets/callpost.css"),
            include_str!("../../templates/base.html"),
            include_str!("../../templates/calls.html"),
            include_str!("../../templates/sync.html"),
            include_str!("../../templates/delivery.html"),
            include_str!("../../templates/quarantine.html"),
        ];
        for text in shipped {
            assert_eq!(mojibake(text), None, "in {text:.60}");
        }
    }

    /// S0-137
    #[test]
    fn the_vietnamese_labels_are_those_people_know() {
        let w = ALL.iter().find(|words| words.lang == "vi").unwrap();
        let labels = [
            w.journal.configure,
            w.journal.enabled,
            w.journal.sync_now,
            w.journal.save,
        ];
        assert_eq!(labels, ["Cấu hình", "Kích hoạt", "Sync Ngay", "Lưu"]);
    }

    #[test]
    fn every_language_puts_the_same_things_into_the_same_sentences() {
        let places = |words: &Words| -> Vec<Vec<String>> {
            let shown = format!("{words:#?}");
            let lines = shown.lines().filter(|line| line.contains(": \""));
            lines
                .map(|line| {
                    // `Debug` writes marks above letters as `\u{…}`.
                    let line = line.replace("\\u{", "");
                    let inside = line.split('{').skip(1).filter_map(|rest| rest.split('}').next());
                    let mut names: Vec<String> = inside.map(str::to_owned).collect();
                    names.sort();
                    names
                })
                .collect()
        };
        for words in ALL {
            assert_eq!(places(words), places(&ENGLISH), "{}", words.lang);
        }
    }

    #[test]
    fn no_sentence_is_empty_or_left_untranslated() {
        let sentences = |words: &Words| -> Vec<String> {
            let shown = format!("{words:#?}");
            shown
                .lines()
                .filter(|line| line.contains(": \""))
                .map(str::to_owned)
                .collect()
        };
        let english = sentences(&ENGLISH);
        for words in &ALL[1..] {
            let own = sentences(words);
            let same = own
                .iter()
                .zip(&english)
                .filter(|(own, english)| own == english)
                .count();
            assert!(same <= 8, "{}: {same} sentences are English", words.lang);
            assert!(
                own.iter().all(|line| !line.ends_with(": \"\",")),
                "{}",
                words.lang
            );
        }
    }
}
