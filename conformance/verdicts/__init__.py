"""From one vendor's replies to results.json: cases, findings with their evidence, traits, coverage."""
