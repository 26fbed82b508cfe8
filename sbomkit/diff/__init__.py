"""What changed between two inventories: match, compare, judge, render. Sees the model only."""
