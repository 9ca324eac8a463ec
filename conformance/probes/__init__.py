"""What we ask: a module per feature, a function per question."""
