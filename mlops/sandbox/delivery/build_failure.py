"""Why a phase of a build failed."""


class BuildFailure(Exception):
    """A phase cannot go on: CodeBuild's status code and a message, which become the phase's context."""

    def __init__(self, code: str, message: str, status: str = "FAILED") -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
