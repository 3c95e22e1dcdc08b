"""`voice-assistant`: the operator's commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.logs import configure_logging


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    parser = argparse.ArgumentParser(prog="voice-assistant", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    examine = commands.add_parser("doctor", help="what is wrong with this set-up, and what to do")
    examine.add_argument("--json", action="store_true", help="one JSON object a finding")

    talk = commands.add_parser("call", help="ask a running assistant, and print where time went")
    talk.add_argument("recording", nargs="?", type=Path, help="a question: WAV, mono, 16-bit")
    talk.add_argument("--text", help="a typed question instead of a recording")
    talk.add_argument("--server", default="http://127.0.0.1:7860", help="default: %(default)s")
    talk.add_argument("--origin", help="the site whose page calls, where the server has a list")
    talk.add_argument("--save", type=Path, help="write what the bot said to this WAV file")
    talk.add_argument("--json", action="store_true", help="one JSON object for the whole call")

    given = parser.parse_args(arguments)
    # A command says itself what it found; what libraries have to say is not the answer.
    configure_logging("CRITICAL", ())
    # Each command loads what it needs: Pipecat alone takes seconds.
    if given.command == "doctor":
        from cli import doctor  # noqa: PLC0415

        return doctor.run(as_json=given.json)
    if (given.recording is None) == (given.text is None):
        parser.error("call: give a recording or --text")
    from cli import call  # noqa: PLC0415

    return call.run(
        call.Question(given.recording, given.text),
        given.server,
        origin=given.origin,
        save=given.save,
        as_json=given.json,
    )


if __name__ == "__main__":
    sys.exit(main())
