"""What is wrong with what somebody wrote."""


class ConfigurationError(ValueError):
    """The pack's configuration is wrong; the message names key, value and what is allowed."""
