"""The keys of vendors: finds them in any spelling, masks them, and looks for them in everything that was written."""
