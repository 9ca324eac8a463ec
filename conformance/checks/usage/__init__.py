"""Usage: the cost that an answer reports, whether it adds up, and whether it can be believed."""
