"""The rows behind the SQL views, one module for each subject."""
