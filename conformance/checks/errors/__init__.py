"""Errors: what is refused, with which status, and in which form."""
