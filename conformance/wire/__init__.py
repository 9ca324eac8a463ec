"""From bytes to frames and JSON, sans-IO: everything irregular is noted by its place, nothing is repaired."""
