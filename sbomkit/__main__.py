"""`python -m sbomkit`."""

from sbomkit.cli import main

main()
