"""`mlops doctor`: what stands in the way of a deployment, before the first one.

One check is one function (`@check`) that looks at one thing and answers with findings; a module holds the checks of an area. `examination.examine` runs them at the
same time. Nothing that was not asked is reported as ok: a check that could not look says why it is `not_checked`.
"""
