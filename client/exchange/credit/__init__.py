"""Credit: balances of members with each other, payments, and debts that are set off."""
