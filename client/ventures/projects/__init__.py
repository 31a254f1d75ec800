"""Projects, as members read and write them."""
