"""What has been said and not yet been understood, kept for a listener who has to be told again."""

from __future__ import annotations

from collections import deque

# The longest stretch that is told again: longer than anybody speaks before a recogniser gives a
# final transcript, 480 KB at 16 kHz.
MOST_SECS = 15.0


class AudioMemory:
    """The newest audio of a stream; places in it are bytes since the stream began."""

    def __init__(self) -> None:
        """Create an empty memory of a stream that has not begun."""
        self._pieces: deque[bytes] = deque()
        self._kept_bytes = 0
        self._bytes_per_sec = 0
        self.end = 0

    def begin(self, bytes_per_sec: int) -> None:
        """Say how much audio a second is."""
        self._bytes_per_sec = bytes_per_sec

    @property
    def start(self) -> int:
        """The place of the oldest audio that is kept."""
        return self.end - self._kept_bytes

    def push(self, audio: bytes) -> None:
        """Keep audio; forget what is too old."""
        self._pieces.append(audio)
        self._kept_bytes += len(audio)
        self.end += len(audio)
        self.keep_last(MOST_SECS)

    def keep_last(self, secs: float) -> None:
        """Forget everything but the last seconds."""
        self.forget_before(self.end - int(secs * self._bytes_per_sec))

    def forget_before(self, place: int) -> None:
        """Forget whole pieces of audio before a place."""
        while self._pieces and self.start + len(self._pieces[0]) <= place:
            self._kept_bytes -= len(self._pieces.popleft())

    def place_after(self, start: int, secs: float) -> int:
        """Return the place so many seconds after another one."""
        return start + int(secs * self._bytes_per_sec)

    def since(self, place: int) -> bytes:
        """Return what is kept from a place on; from the oldest piece that reaches beyond it."""
        at = self.end
        pieces: list[bytes] = []
        for piece in reversed(self._pieces):
            if at <= place:
                break
            pieces.append(piece)
            at -= len(piece)
        return b"".join(reversed(pieces))
