"""Recordings of human speech through the real graph, on a virtual clock."""
