"""`python -m bot`: Pipecat's development runner around this bot (needs `pipecat-ai[runner]`)."""

from pipecat.runner.run import main

from bot.entry import bot

__all__ = ["bot"]

if __name__ == "__main__":
    main()
