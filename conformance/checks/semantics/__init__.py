"""Semantics: whether the request reached the model, and whether its settings took effect."""
