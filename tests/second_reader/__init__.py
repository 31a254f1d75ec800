"""A second reader of a community, written from docs/ alone: it shares no code with the product.

It reads tests/vectors/practice and parent.json, and computes the roots of every height. It knows
every kind of record. Of the rules it leaves out macros and fuel of expressions, double
votes, the way back from a wrong time, whether a ruleset is sound, how much one seal
values at most, and the limits of cuts and budgets, of which it only charges what was used.

It imports nothing of commonweal: only the standard library, msgpack and PyNaCl.
"""
