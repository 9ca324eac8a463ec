"""Usage: what an answer says that it cost, whether that adds up, and whether it can be believed."""
