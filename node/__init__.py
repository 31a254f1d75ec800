"""What is done. `service` decides; `runtime` and `network` perform."""
