"""What a recogniser has to be told again."""

from bot.audio_memory import MOST_SECS, AudioMemory

RATE_BYTES = 100


def memory(*pieces: bytes) -> AudioMemory:
    kept = AudioMemory()
    kept.begin(RATE_BYTES)
    for piece in pieces:
        kept.push(piece)
    return kept


def test_it_tells_what_came_after_a_place() -> None:
    """Whole pieces, in order; from the end on there is nothing."""
    kept = memory(b"aa", b"bb", b"cc")
    assert kept.since(0) == b"aabbcc"
    assert kept.since(2) == b"bbcc"
    assert kept.since(3) == b"bbcc"
    assert kept.since(kept.end) == b""


def test_what_was_understood_is_forgotten() -> None:
    """Up to the piece in which it ends, which is kept whole."""
    kept = memory(b"aa", b"bb", b"cc")
    kept.forget_before(3)
    assert (kept.start, kept.end) == (2, 6)
    assert kept.since(kept.start) == b"bbcc"


def test_it_is_bounded() -> None:
    """However long nobody understands, only the newest seconds are kept."""
    kept = memory(*[bytes(RATE_BYTES)] * 100)
    assert kept.end - kept.start == MOST_SECS * RATE_BYTES
    kept.keep_last(2)
    assert kept.end - kept.start == 2 * RATE_BYTES
