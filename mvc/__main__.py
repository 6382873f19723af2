"""`python -m mvc` is `mvc`."""

from mvc.cli.main import main

main()
