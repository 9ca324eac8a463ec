"""A run from start to end: which questions are asked of whom, up to the folder of results."""
