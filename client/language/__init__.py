"""Words, amounts and times as people read and write them, in the language that is passed."""
