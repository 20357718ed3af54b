"""Delivery: CodeBuild, CodePipeline, CodeCommit, connections and notification rules, with stores of their own in place of moto's.

Nothing of it is imported before the first call of one of these services: a sandbox without a pipeline starts as fast as before.
"""
