"""From a question to its exchange: what is sent, how long it is waited for, and what is asked once more."""
