"""`python -m server`: the door, and the session processes behind it."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from bot.errors import BotError
from bot.logs import configure_logging
from bot.mistakes import mistakes_of
from bot.settings import BotSettings
from server.app import create_app
from server.serving import DrainingServer, listen
from server.settings import ServerSettings

EXIT_BAD_SETTING = 2


def main() -> int:
    """Run until told to stop; return the process's exit code."""
    try:
        settings, bot_settings = ServerSettings(), BotSettings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        sys.stderr.writelines(f"setting: {mistake}\n" for mistake in mistakes_of(error))
        return EXIT_BAD_SETTING
    secrets = (*settings.secrets, *bot_settings.secrets)
    configure_logging(settings.log_level, secrets, as_json=settings.log_format == "json")
    try:
        app = create_app(settings, bot_settings)
    except BotError as error:
        sys.stderr.write(f"setting: {error}\n")
        return EXIT_BAD_SETTING
    try:
        listeners = listen(settings)
    except OSError as error:
        sys.stderr.write(
            f"setting: HOST, PORT: {settings.host}:{settings.port}: {error.strerror}\n"
        )
        return EXIT_BAD_SETTING
    DrainingServer(app, settings).run(sockets=listeners)
    return 0


if __name__ == "__main__":
    sys.exit(main())
