#!/usr/bin/env python3
"""Makes the shipped music on hold: hold-music.ogg beside this script, 16 kHz mono, a loop without a seam.

Slow broken chords of soft plucked tones, written here note by note, so that it belongs to nobody else. Quiet and
plain on purpose: G.711 makes a mess of drums and hiss, and whoever waits wants to hear that the line is there.
Python writes the samples; sox packs them (apt install sox libsox-fmt-all). The same versions make the same sound.
"""

import array
import math
import pathlib
import subprocess
import tempfile
import wave

RATE = 16_000
BEAT = 0.5  # seconds
# One chord a bar of eight plucks: Cmaj7, Am7, Fmaj7, G6, Em7, Am7, Dm7, G7sus4, as semitones from A4 (440 Hz).
CHORDS = [
    (-21, -5, -2, 2, 7),
    (-24, -9, -5, -2, 3),
    (-16, -4, 0, 3, 8),
    (-14, -2, 2, 5, 10),
    (-17, -5, -2, 2, 10),
    (-12, -9, -5, 0, 3),
    (-19, -7, -4, 0, 5),
    (-14, -2, 3, 5, 10),
]
ORDER = [1, 2, 3, 4, 3, 2, 4, 3]


def pluck(mix, at, semitones, loudness, seconds):
    """Adds one soft tone with three overtones; what rings past the end comes in again at the beginning."""
    hertz = 440 * 2 ** (semitones / 12)
    for place in range(int(seconds * RATE)):
        time = place / RATE
        level = loudness * min(time / 0.012, 1) * math.exp(-2.4 * time) * min((seconds - time) / 0.05, 1)
        tone = sum(
            share * math.sin(2 * math.pi * hertz * overtone * time)
            for overtone, share in ((1, 1.0), (2, 0.32), (3, 0.10), (4, 0.04))
        )
        mix[(at + place) % len(mix)] += level * tone


def main():
    bar = int(len(ORDER) * BEAT * RATE)
    mix = [0.0] * (bar * len(CHORDS))
    for number, chord in enumerate(CHORDS):
        start = number * bar
        pluck(mix, start, chord[0], 0.55, 4.0)
        for place, voice in enumerate(ORDER):
            at = start + int(place * BEAT * RATE)
            pluck(mix, at, chord[voice], 0.42 if place % 4 else 0.5, 2.2)
    loudest = max(abs(sample) for sample in mix)
    # 12 dB below full scale: beside voices, not above them.
    samples = array.array("h", (int(8_200 * sample / loudest) for sample in mix))
    here = pathlib.Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder) / "music.wav"
        with wave.open(str(plain), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples.tobytes())
        subprocess.run(["sox", "-D", plain, "-C", "1", here / "hold-music.ogg"], check=True)


main()
