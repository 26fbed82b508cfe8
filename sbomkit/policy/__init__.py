"""Rules over inventories, diffs and verified statements: what may be deployed, and why not."""
