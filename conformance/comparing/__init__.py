"""Compares two runs or two vendors: what changed, and what code that moves must do."""
