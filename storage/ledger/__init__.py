"""The folded ledger on disk: what `state` keeps of it, lists, views, and who belongs."""
