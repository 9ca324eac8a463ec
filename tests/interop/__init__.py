"""Other people's software: servers that the checker asks, and clients that ask the bundled servers."""
