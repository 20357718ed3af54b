"""How kinds of findings look on a terminal. Marks and words say the same as the colours."""

KIND_STYLE = {"error": "red", "mandatory": "red", "advisory": "yellow", "not_evaluable": "yellow", "exempt": "dim"}
STATUS_STYLE = {"pass": "green", "fail": "red", "exempt": "yellow", "not_evaluable": "yellow", "not_applicable": "dim"}
STATUS_MARK = {"pass": "✔", "fail": "✘", "exempt": "~", "not_evaluable": "?", "not_applicable": "–"}
PASS_MARK = STATUS_MARK["pass"]
