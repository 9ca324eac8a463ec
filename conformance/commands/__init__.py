"""What each command does, and what the terminal shows."""
