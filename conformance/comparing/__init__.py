"""Two runs or two vendors side by side: what changed, and what code that moves must do."""
