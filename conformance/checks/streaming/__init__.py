"""Streaming: framed as asked, arriving in time, each text once, with a reason at the end."""
