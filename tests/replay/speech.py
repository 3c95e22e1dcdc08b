"""Speech that can be read back: each character is 60 ms of a level that stands for it.

So the audio that reached the user tells, to the character, which words the user heard.
"""

import numpy as np

CHARACTER_SECS = 0.06
_BLOCK_SECS = 0.01
_BLOCKS_PER_CHARACTER = round(CHARACTER_SECS / _BLOCK_SECS)
# One level per code point up to 255, inside s16 and far from silence.
_STEP = 100


def spoken_pcm(text: str, rate_hz: int) -> bytes:
    """Mono s16le audio of a text: a square wave at the level of each character."""
    samples = round(CHARACTER_SECS * rate_hz)
    wave = np.where(np.arange(samples) % 2 == 0, 1, -1)
    levels = [min(ord(character), 255) * _STEP for character in text]
    return b"".join((wave * level).astype("<i2").tobytes() for level in levels)


def blocks_of(pcm: bytes, rate_hz: int) -> list[int]:
    """The code point (0 for silence) of each 10 ms of audio."""
    size = round(_BLOCK_SECS * rate_hz)
    samples = np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32))
    whole = samples[: samples.size // size * size].reshape(-1, size)
    return [int(code) for code in np.rint(np.median(whole, axis=1) / _STEP)]


def text_of(blocks: list[int]) -> str:
    """The text of consecutive 10 ms blocks; a character counts when all of it was played."""
    text: list[str] = []
    run = 0
    for index, code in enumerate(blocks):
        run += 1
        if run == _BLOCKS_PER_CHARACTER and code:
            text.append(chr(code))
        if run == _BLOCKS_PER_CHARACTER or (index + 1 < len(blocks) and blocks[index + 1] != code):
            run = 0
    return "".join(text)
