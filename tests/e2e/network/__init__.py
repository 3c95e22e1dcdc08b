"""Calls over a network that loses, delays and breaks, between two network namespaces."""
