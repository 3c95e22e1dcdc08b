"""Measurements of this product, always beside a peer in the same run."""
