"""Reports of a period of seals, for people, scripts and spreadsheets."""
