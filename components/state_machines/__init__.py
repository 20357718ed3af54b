"""State machine definitions: pure functions from names and settings to Amazon States Language (JSONPath)."""
