"""The router: routes, how they are checked, how they decide, and how they run."""
