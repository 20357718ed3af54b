"""Data sets that come with Python packages, written as the CSV files that people would upload."""
