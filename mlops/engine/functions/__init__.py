"""Provider functions that a preview answers without AWS, one module a field; `mlops.engine.invokes` dispatches to them."""
