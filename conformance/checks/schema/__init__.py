"""Schema: the shape of answers and requests, the types of values, generated bodies, and the vendor's own document."""
