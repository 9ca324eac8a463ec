"""Turns bytes into frames and JSON, sans-IO: every irregularity is noted with its place, and nothing is repaired."""
