"""What rules share: the facts that a reply shows, established once for every rule that depends on them."""
