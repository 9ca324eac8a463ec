"""What each word of the command line does, and what the terminal says of it."""
