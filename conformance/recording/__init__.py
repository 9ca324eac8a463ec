"""What a run writes while it asks: each exchange as it ends, and the settings of the run."""
