"""Tests of the commands of the exchange between members."""
