"""Turn-taking on human recordings: cut-offs, latency, interruptions, beside stock Pipecat."""
