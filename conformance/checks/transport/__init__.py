"""Transport: answers arrive completely, say what they are, and are what they say."""
