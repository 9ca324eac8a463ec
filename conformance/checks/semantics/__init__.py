"""Semantics: whether what was asked reached the model, and whether its settings took effect."""
