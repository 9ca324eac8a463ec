"""What rules share: what a reply shows, told once, for all that judge by it."""
