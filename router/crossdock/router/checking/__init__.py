"""``crossdock route check``: the type check of routes against contracts, before anything runs."""
