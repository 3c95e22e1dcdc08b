"""Set-up: everything a fresh machine lacks, with nothing but Python's standard library."""
