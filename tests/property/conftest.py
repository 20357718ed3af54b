"""Generated cases have no deadline of their own: a busy machine must not fail a true invariant."""

from hypothesis import settings

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
