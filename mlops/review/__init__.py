"""The Well-Architected review of a stack from evidence: what rules, tests and people say about each best practice of the framework."""
