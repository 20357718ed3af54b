"""A module that there is none of."""

import no_such_module

no_such_module.run()
