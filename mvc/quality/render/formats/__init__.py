"""The gate's verdict in the formats of CI systems: each a pure function of the verdict."""
