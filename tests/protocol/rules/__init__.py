"""Claims about rules: their language, their document, how they come into force."""
