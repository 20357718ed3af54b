"""The difference to a base (the key `difference` of a document) as people read it: `words` for all forms, then a module for each."""
