"""What a run writes while it asks: exchanges as they end, and what it was asked to do."""
