"""Functions that the commands for remotes share: selecting objects and remotes, and failures."""
