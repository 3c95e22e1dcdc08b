"""Speech recognition, speech synthesis and answers, each in a process of its own."""
