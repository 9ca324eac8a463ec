"""What the documents of Google and the vendors say: schemas as data, which are read, checked and compared."""
