"""Models: training, calibration, scoring and their files. Knows Arrow record batches, not ages, SQL or workspaces."""
