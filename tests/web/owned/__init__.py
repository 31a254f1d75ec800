"""Pages of what members own: their data, who may use it, and what was used."""
