"""Which names a pickle would import and call. Nothing is unpickled."""
