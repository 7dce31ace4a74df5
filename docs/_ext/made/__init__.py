"""Pages that are made from the code whenever the site is built, so that they cannot differ from it.

A page says `<!-- made: NAME -->` where the text of MAKERS[NAME] belongs: the page itself can be
read on a code host, and what stands below it is never committed. `<!-- pages: 0* -->` puts those
pages of its folder into the menu that fit, if there are any.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from made import (
    commands,
    constraints,
    deeds,
    environment,
    guides,
    refusals,
    scaling,
    schedule,
    scim_tables,
    sharding,
)

MARK = re.compile(r"<!-- made: ([\w-]+) -->")
MAKERS: dict[str, Callable[[], str]] = {
    "commands": commands.page,
    "environment": environment.page,
    "scim-attributes": scim_tables.attributes,
    "refusals": refusals.page,
    "audit-deeds": deeds.audit,
    "ledger-deeds": deeds.ledger,
    "schedule": schedule.page,
    "constraints": constraints.page,
    "scaling-measured": scaling.measured,
    "scaling-sums": scaling.page,
    "sharding": sharding.page,
    "guide-okta": lambda: guides.page("okta"),
    "guide-onelogin": lambda: guides.page("onelogin"),
    "guide-entra": lambda: guides.page("entra"),
    "guide-other": lambda: guides.page("other"),
}
_PAGES = re.compile(r"<!-- pages: (.+) -->")
#: Files above docs/ that are pages of the site.
_ABOVE = re.compile(r"\]\((?:\.\./)+(CHANGELOG|CONTRIBUTING)\.md")
_PAGE_OF = {"CHANGELOG": "changes", "CONTRIBUTING": "contributing"}
_log = logging.getLogger(__name__)


def _fill(app: Sphinx, name: str, source: list[str]) -> None:
    filled = MARK.sub(lambda mark: MAKERS[mark[1]](), source[0])
    filled = _ABOVE.sub(lambda link: f"](/{_PAGE_OF[link[1]]}.md", filled)
    source[0] = _PAGES.sub(lambda pages: _menu(app.env, name, pages[1].split()), filled)


def _menu(env: BuildEnvironment, page: str, patterns: list[str]) -> str:
    folder = posixpath.dirname(page)
    found = [
        posixpath.relpath(name, folder or ".")
        for pattern in patterns
        for name in sorted(fnmatch.filter(env.found_docs, posixpath.join(folder, pattern)))
    ]
    return "\n".join(("```{toctree}", ":hidden:", "", *found, "```")) if found else ""


def _made(app: Sphinx, env: BuildEnvironment, *_: Any) -> list[str]:
    """Pages to read again although their files are the same: the code may have changed."""
    texts = {name: env.doc2path(name).read_text() for name in env.found_docs}
    return [name for name, text in texts.items() if MARK.search(text) or _PAGES.search(text)]


def _reach(app: Sphinx, env: BuildEnvironment) -> None:
    """Every page can be reached from the first one, through the menu."""
    reached, ahead = set(), [app.config.root_doc]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += env.toctree_includes.get(name, ())
    for name in sorted(env.found_docs - reached):
        _log.warning("this page cannot be reached from the index", location=name)


def _reachable(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """What furo leaves out: keys scroll a wide table, and captions of the menu have a level."""
    if "body" in context:
        context["body"] = context["body"].replace(
            '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'
        )
    context["furo_navigation_tree"] = context["furo_navigation_tree"].replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", _fill)
    app.connect("env-get-outdated", _made)
    app.connect("env-check-consistency", _reach)
    app.connect("html-page-context", _reachable, priority=900)  # after furo's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
