"""The rules: a module or folder for each dimension, and a function for each sentence that holds for a good vendor."""
