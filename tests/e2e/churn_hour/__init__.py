"""An hour of sessions that start, talk, fail and leave at the machine's capacity."""
