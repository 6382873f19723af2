"""Artifacts in a registry of containers: the CNCF ModelPack layout."""
