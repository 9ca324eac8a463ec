"""What documents say, Google's and the vendors': schemas as data, read, checked, and held side by side."""
