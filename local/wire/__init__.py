"""Deepgram's and OpenAI's wire protocols over local engines."""
