"""Make organizations with an application and a token each: `python -m benchmarks.tenants N`.

By the functions that the commands call, in one process, since two hundred commands take minutes.
The styles of identity providers take turns. Prints one JSON list of slugs, styles and tokens.
"""

from __future__ import annotations

import argparse
import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from accounts import organizations  # noqa: E402
from licensing import brake, pools  # noqa: E402
from licensing.models import Policy  # noqa: E402
from scim import applications, tokens  # noqa: E402
from scim.simulator import IDPS  # noqa: E402

PRODUCT = "sales-navigator"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int)
    parser.add_argument("--named", default="tenant", help="the beginning of their slugs")
    parser.add_argument("--seats", type=int, required=True, help="that each of them bought")
    parser.add_argument("--brake-off", action="store_true", help="no removal is held (R27)")
    options = parser.parse_args()
    made = []
    for number in range(options.number):
        style = sorted(IDPS)[number % len(IDPS)]
        slug = f"{options.named}-{number}"
        organization = organizations.create(slug.title(), slug=slug)
        pools.set_seats(organization, PRODUCT, options.seats)
        application = applications.create(
            organization, "Directory", product=PRODUCT, idp=style, when_full="waitlist"
        )
        if options.brake_off:
            policy = Policy.objects.of(organization).get(application=application)
            brake.set_limits(policy, on=False, people=policy.brake_people, percent=20)
        token = tokens.issue(application).secret
        made.append({"slug": slug, "style": style, "token": token})
    print(json.dumps(made))


if __name__ == "__main__":
    main()
