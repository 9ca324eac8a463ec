"""Turns the text of providers.yaml into Providers, or into a list of faults with their lines."""
