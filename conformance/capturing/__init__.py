"""Exchanges that other programs recorded: HAR, cassettes, what curl printed, JSON lines. Files in, exchanges out."""
