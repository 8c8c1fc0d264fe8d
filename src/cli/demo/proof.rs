use super::phone::{Phone, Seen};
use crate::model::{Cdr, Status};
use crate::recording::{decode, tone_level};
use anyhow::{Context as _, ensure};
use std::path::{Path, PathBuf};

/// What was measured of the demo's call.
pub(super) struct Evidence {
    pub(super) cdr: Cdr,
    pub(super) recording: PathBuf,
    lines: Vec<String>,
}

/// A tone that is there has more than this share of full scale; one that is not has a hundredth of it.
const THERE: f32 = 0.1;
const NOT_THERE: f32 = 0.02;

impl Evidence {
    /// Looks at everything once more and fails at the first thing that is not as it should be.
    pub(super) fn gather(
        cdr: Cdr,
        data_dir: &Path,
        caller: &Seen,
        agents: &[Phone],
        winner: usize,
    ) -> anyhow::Result<Self> {
        let mut lines = vec![format!("{} phones registered with a password", agents.len())];
        lines.push(format!(
            "the caller heard {:.1} s of the menu and of the agent",
            seconds(caller.heard_ms)
        ));
        let won = agents.get(winner).context("no winner")?;
        lines.push(one_winner(agents, won)?);
        let (caller_hears, agent_hears) = (
            tone_level(&caller.heard, won.hz as f32),
            tone_level(&won.seen().heard, super::CALLER_HZ as f32),
        );
        ensure!(
            caller_hears > THERE,
            "the caller does not hear {} ({caller_hears:.3})",
            won.name
        );
        ensure!(
            agent_hears > THERE,
            "{} does not hear the caller ({agent_hears:.3})",
            won.name
        );
        lines.push(format!(
            "both hear each other: {} Hz and {} Hz",
            super::CALLER_HZ,
            won.hz
        ));
        ensure!(
            cdr.status == Status::Answer,
            "the record says {}",
            cdr.status.as_str()
        );
        let agent = cdr.agent.as_ref().map(ToString::to_string);
        ensure!(
            agent.as_deref() == Some(won.name),
            "the record names {agent:?}, not {}",
            won.name
        );
        lines.push(format!(
            "the record was written and forwarded: {}, {} ms of talk",
            cdr.status.as_str(),
            cdr.talk_ms
        ));
        let facts = cdr.recording.as_ref().context("the record names no recording")?;
        let recording = data_dir.join(&facts.path);
        lines.push(both_voices(&recording, super::CALLER_HZ, won.hz)?);
        Ok(Self {
            cdr,
            recording,
            lines,
        })
    }

    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }
}

fn one_winner(agents: &[Phone], won: &Phone) -> anyhow::Result<String> {
    for agent in agents {
        let seen = agent.seen();
        ensure!(seen.rang, "{} did not ring", agent.name);
        ensure!(
            seen.answered == (agent.name == won.name),
            "{} answered, or should have",
            agent.name
        );
        if agent.name != won.name {
            let told = seen
                .reasons
                .iter()
                .any(|reason| reason.contains("Call completed elsewhere"));
            ensure!(
                told,
                "{} was not told that the call was taken elsewhere: {:?}",
                agent.name,
                seen.reasons
            );
        }
    }
    Ok(format!(
        "all {} rang at once, {} won, the others were told so",
        agents.len(),
        won.name
    ))
}

fn both_voices(recording: &Path, left_hz: u32, right_hz: u32) -> anyhow::Result<String> {
    let channels = decode(recording).with_context(|| format!("reading {}", recording.display()))?;
    let [left, right] = channels.as_slice() else {
        anyhow::bail!("the recording has not two channels")
    };
    let level = |channel: &[i16], hz: u32| tone_level(channel, hz as f32);
    let (caller, agent) = (level(left, left_hz), level(right, right_hz));
    ensure!(
        caller > THERE,
        "the recording lacks the caller's voice ({caller:.3})"
    );
    ensure!(
        agent > THERE,
        "the recording lacks the agent's voice ({agent:.3})"
    );
    let crosstalk = level(left, right_hz).max(level(right, left_hz));
    ensure!(
        crosstalk < NOT_THERE,
        "the channels of the recording are mixed up ({crosstalk:.3})"
    );
    let length = seconds(u64::try_from(left.len() / 8).unwrap_or(0));
    Ok(format!(
        "the recording holds both voices, {length:.1} s: caller left, agent right"
    ))
}

fn seconds(milliseconds: u64) -> f64 {
    std::time::Duration::from_millis(milliseconds).as_secs_f64()
}
