"""The AWS Well-Architected policy pack."""

from wellarchitected.crossguard import run_pack

run_pack()
