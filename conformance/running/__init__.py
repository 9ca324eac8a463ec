"""A run as its user starts it: who is asked what, carried through to a folder of results."""
