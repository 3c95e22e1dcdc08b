"""A whole cluster on this machine, and what becomes of conversations when parts of it are lost."""
