"""The keys of vendors: found in any spelling, masked, and looked for in all that was written."""
