"""Turns a question into its exchange: what is sent, how long to wait for the answer, and what is asked again."""
