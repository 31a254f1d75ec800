"""Tests of the home folder, its keystore, and homes of earlier versions."""
