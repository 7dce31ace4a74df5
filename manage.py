#!/usr/bin/env python
"""Seatkeeper's commands: `python manage.py NAME --help` tells about each.

Wrong usage, an unknown command and a setting that cannot be, are one sentence and exit code 2.
"""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import BaseCommand, ManagementUtility

    class Utility(ManagementUtility):
        def fetch_command(self, subcommand: str) -> BaseCommand:
            try:
                return super().fetch_command(subcommand)
            except SystemExit:  # there is no such command, and this has been said
                sys.exit(2)

    try:
        Utility(sys.argv).execute()
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
