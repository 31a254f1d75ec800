"""Rules: the ruleset document, the expression language, governance."""
