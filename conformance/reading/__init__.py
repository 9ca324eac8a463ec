"""Reads an exchange as a reply: opens the envelope, finds names in any spelling, and notes each irregularity that it accepted."""
