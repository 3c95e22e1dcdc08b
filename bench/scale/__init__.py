"""What many conversations at once would take: a model, and a simulation to check it by."""
