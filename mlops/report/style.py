"""How things look on a terminal. Marks and words say the same as the colours."""

from rich.console import Console
from rich.text import Text

KIND_STYLE = {"error": "red", "mandatory": "red", "advisory": "yellow", "not_evaluable": "yellow", "exempt": "dim"}
STATUS_STYLE = {"pass": "green", "fail": "red", "exempt": "yellow", "not_evaluable": "yellow", "not_applicable": "dim"}
STATUS_MARK = {"pass": "✔", "fail": "✘", "exempt": "~", "not_evaluable": "?", "not_applicable": "–"}
PASS_MARK = STATUS_MARK["pass"]


def indented(console: Console, text: Text, indent: int, further: int = 0) -> None:
    """Print a paragraph with an indent, its further lines with more; unlike a rich `Padding` without spaces at the ends of lines."""
    lines = text.wrap(console, max(console.width - indent - further, 20))
    for number, line in enumerate(lines):
        whole = Text(" " * (indent + (further if number else 0))) + line
        whole.rstrip()
        console.print(whole)
