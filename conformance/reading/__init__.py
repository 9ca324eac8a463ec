"""From an exchange to a reply: the envelope opened, names found, and each forgiveness noted."""
