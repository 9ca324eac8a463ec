"""Transport: answers arrive completely, declare what they are, and match that declaration."""
