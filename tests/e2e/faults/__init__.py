"""What a caller hears and is told when something fails."""
