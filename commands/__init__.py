"""What is typed: one file per group of `weal` commands, loaded when it is used."""
