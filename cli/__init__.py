"""The operator's commands: `voice-assistant doctor` and `voice-assistant call`."""
