"""The questions: a module for each feature, and a function for each question."""
