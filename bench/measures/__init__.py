"""What is measured, a module for each part; every figure stands beside a baseline of its run."""
