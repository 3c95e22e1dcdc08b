"""Several servers as one: placed by load, found again, and carried on when one of them is lost.

Each member is the whole server. What they know of one another stands in Redis (`roster`); what
they ask of one another goes over HTTP (`peers`, `routes`).
"""
