"""What nodes cost each other: replication, a join, light homes, and other systems beside."""
