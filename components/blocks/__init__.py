"""Building blocks: one AWS resource each with everything that belongs to it."""
