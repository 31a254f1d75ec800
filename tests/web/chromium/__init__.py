"""The page in a real browser. Skipped where there is no Chromium; `.ci/run` installs it."""
