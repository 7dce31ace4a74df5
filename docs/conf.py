"""The site: Sphinx with MyST (Markdown) and furo. Built by docs/build.sh.

Pages that can be told from the code are: see _ext/made. Nothing is asked of a database.
"""

import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
# Values that lead nowhere, so that no page depends on the machine that builds it.
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "SECRET_KEY": "only the documentation is built with this key of more than fifty letters",
    "DATABASE_URL": "postgres://nobody@127.0.0.1/none",
    "REDIS_URL": "redis://127.0.0.1/0",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "PORT": "8000",
    "SEATKEEPER_DATA": tempfile.gettempdir(),
}

import django  # noqa: E402

django.setup()

project = "Seatkeeper"
author = "Seatkeeper"
extensions = ["myst_parser", "made"]
exclude_patterns = ["_ext", "_static"]
nitpicky = True

myst_enable_extensions = ["attrs_block", "colon_fence"]
# `#token` in a link is a heading, as on a code host.
myst_heading_anchors = 4

html_theme = "furo"
html_title = "Seatkeeper"
html_favicon = html_logo = "../static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#084b92",
        "color-brand-content": "#0a5fb8",
        "color-brand-visited": "#0a5fb8",
    },
    "dark_css_variables": {
        "color-brand-primary": "#a3cdfa",
        "color-brand-content": "#7cb8f7",
        "color-brand-visited": "#7cb8f7",
    },
}
pygments_style = "default"
pygments_dark_style = "github-dark"
# Admins' identity providers and RFCs lie outside; the builder may have no network.
linkcheck_ignore = [r"https?://"]
