"""The door: /connect, admission, tokens and the life of sessions."""
