"""Reads exchanges that other programs recorded: HAR, cassettes, the output of curl, JSON lines."""
