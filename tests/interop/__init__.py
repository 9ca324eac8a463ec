"""Software that nobody here wrote: servers under the checker, and clients before the bundled servers."""
