"""The pages: for each a module with what it shows and what it does, and a template beside."""
