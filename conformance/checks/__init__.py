"""What we look for: a module per dimension, a function per sentence that is true of a good vendor."""
