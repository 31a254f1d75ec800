"""Projects: they form around a purpose and a scope, have a pool of their own, and dissolve."""
