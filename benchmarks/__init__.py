"""Figures of the platform, each printed beside what it was compared with in the same run. None can fail on a slow day."""
