"""Checks vendors of the Gemini API against Google's wire contract and against their own documents."""

__version__ = "0.1.0"
