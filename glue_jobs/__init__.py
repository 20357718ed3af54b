"""Glue jobs (PySpark, Glue 5): `validate.py` and `preprocess.py`, and the modules they share (shipped as --extra-py-files)."""
