"""ASSISTANT_VOICE: Deepgram's own voice names, and other vendors' names people bring along."""

from __future__ import annotations

import difflib
import re

# Deepgram voice models are `aura-2-<name>-<language>` (or `aura-<name>-<language>` of the first
# generation): https://developers.deepgram.com/docs/tts-models, read November 2026.
_DEEPGRAM_VOICE = re.compile(r"aura(-2)?-[a-z]+-[a-z]{2}")

# Names in the form `<locale>-<name>` come from plans written for another vendor; each is given
# the Deepgram voice nearest in gender and tone.
FOREIGN_VOICES = {
    "en-US-Ava": "aura-2-thalia-en",
    "en-US-Emma": "aura-2-helena-en",
    "en-US-Jenny": "aura-2-andromeda-en",
    "en-US-Aria": "aura-2-asteria-en",
    "en-US-Andrew": "aura-2-apollo-en",
    "en-US-Brian": "aura-2-arcas-en",
    "en-US-Guy": "aura-2-orion-en",
    "en-GB-Sonia": "aura-2-pandora-en",
    "en-GB-Ryan": "aura-2-draco-en",
    "es-ES-Elvira": "aura-2-celeste-es",
    "es-MX-Dalia": "aura-2-estrella-es",
}


def deepgram_voice(name: str) -> str:
    """Return the Deepgram voice for a name of either kind.

    A trailing `Neural` (as in `en-US-AvaNeural`) is ignored.

    Raises:
        ValueError: the name is neither Deepgram's nor in the table; says what is near.
    """
    if _DEEPGRAM_VOICE.fullmatch(name):
        return name
    known = FOREIGN_VOICES.get(name.removesuffix("Neural"))
    if known is not None:
        return known
    near = difflib.get_close_matches(name, list(FOREIGN_VOICES), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "use a Deepgram name like 'aura-2-thalia-en'"
    raise ValueError(f"no voice {name!r}; {hint}")
