"""doctor: checks of the installation and the repository."""
