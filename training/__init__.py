"""What SageMaker training jobs and endpoints run: `train.py`, `serve.py` and what they share. Packages: numpy, pandas, pyarrow and the algorithms."""
