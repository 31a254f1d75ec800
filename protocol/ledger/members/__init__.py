"""Members: enrolment, invites, keys, permissions, roles, forks and budgets."""
