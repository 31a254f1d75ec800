"""Tests of the exchange between members, by `client`."""
