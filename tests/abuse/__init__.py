"""Attempts to get more than one's share of a running server, and what each is answered."""
