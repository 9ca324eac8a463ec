"""providers.yaml, from text to Providers, or to a list of faults with their lines."""
