"""Make the recordings of this directory from the packages that carry them.

Run by hand, and only to add a recording: the WAVs are in the repository.

    apt-get download asterisk-core-sounds-en-wav pocketsphinx-testdata
    dpkg -x <each>.deb unpacked
    python -m tests.recordings.build unpacked

Every output is 16 kHz mono s16le, with a .toml beside it saying what is said, by whom, from where,
under which licence and how it was converted.
"""

import sys
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

SAMPLE_RATE_HZ = 16_000
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Source:
    """A package of recordings.

    Parameters:
        folder: Where its files lie below the unpacked root.
        package: Name and version as the archive lists them.
        speaker: Who speaks.
        licence: SPDX identifier or the plain statement.
        attribution: What the licence asks to be said.
        resampled: Whether its files are 8 kHz and are brought to 16 kHz.
    """

    folder: str
    package: str
    speaker: str
    licence: str
    attribution: str
    resampled: bool


ASTERISK = Source(
    folder="usr/share/asterisk/sounds/en_US_f_Allison",
    package="Debian asterisk-core-sounds-en-wav 1.6.1-1",
    speaker="Allison Smith",
    licence="CC-BY-SA-3.0",
    attribution="Copyright 2003-2010 Allison Smith; recordings funded by Digium, Inc.",
    resampled=True,
)
SPHINX = Source(
    folder="usr/share/pocketsphinx/test/data",
    package="Debian pocketsphinx-testdata 0.8+5prealpha+1-15",
    speaker="a reader of LibriVox (Sense and Sensibility, chapter 1)",
    licence="BSD-2-Clause (the package); the LibriVox reading is in the public domain",
    attribution="CMU Sphinx, Carnegie Mellon University; read for LibriVox",
    resampled=False,
)
SPHINX_LAB = Source(
    folder=SPHINX.folder,
    package=SPHINX.package,
    speaker="unnamed, CMU Sphinx",
    licence="BSD-2-Clause (the package)",
    attribution="CMU Sphinx, Carnegie Mellon University",
    resampled=False,
)

LIBRIVOX = "librivox/sense_and_sensibility_01_austen_64kb-{}.wav"
# The gap between two clips joined to one utterance: shorter than the VAD's 200 ms stop, as between
# two words spoken on one breath.
JOIN_GAP_SECS = 0.06


@dataclass(frozen=True)
class Clip:
    """One recording to make.

    Parameters:
        name: File name without suffix: the words that are said.
        text: What is said, as a careful listener writes it; `|` where the speaker pauses.
        files: Files of the source, joined in this order; silence at a join is trimmed.
        source: The package.
        note: Anything a reader of a timeline must know, or nothing.
        cut_secs: Start and end of the part kept, in seconds, or the whole file.
    """

    name: str
    text: str
    files: tuple[str, ...]
    source: Source = ASTERISK
    note: str = ""
    cut_secs: tuple[float, float] | None = None


CLIPS = (
    Clip("activated", "Activated.", ("activated.wav",)),
    Clip("goodbye", "Goodbye!", ("goodbye.wav",)),
    Clip("hello", "Hello.", ("hello.wav",)),
    Clip("no", "No.", ("vm-no.wav",)),
    Clip("thank-you", "Thank you.", ("auth-thankyou.wav",)),
    Clip("one-moment-please", "One moment, please.", ("one-moment-please.wav",)),
    Clip("please-try-again", "Please try again.", ("please-try-again.wav",)),
    Clip(
        "change-to-which-folder",
        "Change to which folder?",
        ("vm-changeto.wav",),
    ),
    Clip(
        "which-folder-should-i-save-the-message-to",
        "Which folder should I save the message to?",
        ("vm-savefolder.wav",),
    ),
    Clip(
        "waiting-to-speak-with-a-representative",
        "Waiting to speak with a representative.",
        ("queue-callswaiting.wav",),
    ),
    Clip(
        "your-telephone-number",
        "Your telephone number.",
        ("your.wav", "telephone-number.wav"),
        note="Two clips of one speaker, joined with a gap of 60 ms.",
    ),
    Clip(
        "password-incorrect",
        "Password incorrect. | Please enter your password followed by the pound key.",
        ("auth-incorrect.wav",),
        note="A natural pause after the first sentence.",
    ),
    Clip(
        "the-passwords-did-not-match",
        "The passwords you entered and re-entered did not match. | Please try again.",
        ("vm-mismatch.wav",),
        note="A natural pause between the sentences.",
    ),
    Clip(
        "that-password-does-not-meet-the-minimum-requirements",
        "That password does not meet the minimum requirements for this mailbox. | "
        "Please try again.",
        ("vm-invalid-password.wav",),
        note="A natural pause between the sentences.",
    ),
    Clip(
        "you-are-currently-the-only-person",
        "You are currently the only person in this conference.",
        ("conf-onlyperson.wav",),
    ),
    Clip(
        "i-do-not-know-who-sent-this-message",
        "I'm afraid I don't know who sent this message.",
        ("vm-nonumber.wav",),
    ),
    Clip(
        "an-echo-test",
        "You are about to enter an echo test. | In this mode everything you say will be repeated "
        "back to you just as soon as it is received. | The purpose of this test is to give you an "
        "audible sense of the latency between you and the machine that is running the echo test "
        "application. | You may end the test by hanging up or by pressing the pound key.",
        ("demo-echotest.wav",),
        note="A very long utterance of four sentences.",
    ),
    Clip(
        "monkeys",
        "",
        ("tt-monkeys.wav",),
        note="No speech: screaming monkeys, for the noise case. The first six seconds.",
        cut_secs=(0.0, 6.0),
    ),
    Clip(
        "he-was-not-an-ill-disposed-young-man",
        "He was not an ill-disposed young man,",
        (LIBRIVOX.format("0880"),),
        source=SPHINX,
    ),
    Clip(
        "unless-to-be-rather-cold-hearted",
        "unless to be rather cold-hearted and rather selfish is to be ill-disposed.",
        (LIBRIVOX.format("0890"),),
        source=SPHINX,
    ),
    Clip(
        "he-might-even-have-been-made-amiable",
        "he might even have been made amiable himself,",
        (LIBRIVOX.format("0930"),),
        source=SPHINX,
    ),
    Clip(
        "go-forward-ten-meters",
        "Go forward ten meters.",
        ("goforward.raw",),
        source=SPHINX_LAB,
    ),
    Clip(
        "eight-of-spades-four-of-clubs",
        "Eight of spades, | four of clubs, | seven of hearts.",
        ("cards/005.wav",),
        source=SPHINX_LAB,
        note="A list, spoken with pauses between its parts.",
    ),
)


def read_16k(path: Path, source: Source) -> np.ndarray:
    """Samples of one source file at 16 kHz, int16.

    Raises:
        ValueError: If the file is not mono s16le at the source's rate.
    """
    rate_hz = 8_000 if source.resampled else SAMPLE_RATE_HZ
    if path.suffix == ".raw":
        return np.frombuffer(path.read_bytes(), dtype="<i2")
    with wave.open(str(path), "rb") as wav:
        if (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) != (1, 2, rate_hz):
            message = f"{path.name}: expected mono s16le at {rate_hz} Hz"
            raise ValueError(message)
        samples = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2")
    if not source.resampled:
        return samples
    return soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ, quality="VHQ")


def trim(samples: np.ndarray, *, head: bool, tail: bool) -> np.ndarray:
    """Cut silence (below 1 % of full scale) off the sides that meet another clip."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 327)
    first, last = (int(loud[0]), int(loud[-1]) + 1) if loud.size else (0, samples.size)
    return samples[first if head else 0 : last if tail else samples.size]


def make(clip: Clip, unpacked: Path) -> None:
    """Write one recording and its description."""
    parts: list[np.ndarray] = []
    gap = np.zeros(int(JOIN_GAP_SECS * SAMPLE_RATE_HZ), dtype=np.int16)
    for index, name in enumerate(clip.files):
        samples = read_16k(unpacked / clip.source.folder / name, clip.source)
        last = index == len(clip.files) - 1
        parts.append(trim(samples, head=index > 0, tail=not last))
        if not last:
            parts.append(gap)
    samples = np.concatenate(parts)
    if clip.cut_secs:
        start, end = (int(edge * SAMPLE_RATE_HZ) for edge in clip.cut_secs)
        samples = samples[start:end]
    with wave.open(str(HERE / f"{clip.name}.wav"), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(SAMPLE_RATE_HZ)
        wav.writeframes(samples.astype("<i2").tobytes())

    conversion = "soxr VHQ from 8 kHz" if clip.source.resampled else "none: 16 kHz at the source"
    if clip.cut_secs:
        conversion += f"; cut to {clip.cut_secs[0]:g}-{clip.cut_secs[1]:g} s"
    if len(clip.files) > 1:
        conversion += f"; joined with {JOIN_GAP_SECS * 1000:g} ms between"
    files = ", ".join(f'"{name}"' for name in clip.files)
    phrases = ", ".join(f'"{phrase}"' for phrase in clip.text.split(" | ") if phrase)
    lines = [
        f'text = "{clip.text.replace("| ", "")}"',
        f"phrases = [{phrases}]",
        f"duration_secs = {samples.size / SAMPLE_RATE_HZ:.2f}",
        f'speaker = "{clip.source.speaker}"',
        f'package = "{clip.source.package}"',
        f"files = [{files}]",
        f'licence = "{clip.source.licence}"',
        f'attribution = "{clip.source.attribution}"',
        f'conversion = "{conversion}"',
    ]
    if clip.note:
        lines.append(f'note = "{clip.note}"')
    (HERE / f"{clip.name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in CLIPS:
        make(each, Path(sys.argv[1]))
