"""The thread that concludes and folds."""
