"""The components of the Admin Center; /styleguide/ shows each of them.

Leaves (icon, badge, pager) are simple or inclusion tags, things that wrap content
(card, table, dialog) are block tags. A builtin of the template engine: no {% load %}.
The policy forbids inline styles, so amounts are drawn with SVG attributes.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
import re
from collections.abc import Iterable
from typing import Any

from django import template
from django.forms import BaseForm, BoundField, CheckboxSelectMultiple, RadioSelect
from django.template.context import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts import clock, mail, zones
from accounts.pages import charts, paging
from accounts.pages import panels as registry
from accounts.pages.paging import Page

register = template.Library()

#: Words with one look everywhere: the badge's colour and icon. Never colour alone.
BADGES = {
    "idp": ("brand", "plug"),
    "manual": ("plain", "hand"),
    "activated": ("ok", "circle-check"),
    "provisioned": ("brand", "user-check"),
    "waiting": ("warn", "hourglass"),
    "refused": ("bad", "circle-x"),
    "idle": ("warn", "clock"),
    "reclaimed": ("plain", "clock"),
    "inactive": ("plain", "power"),
    "over": ("bad", "triangle-alert"),
    "on": ("ok", "circle-check"),
    "off": ("plain", "power"),
    "expiring": ("warn", "clock"),
    "expired": ("bad", "clock"),
    "revoked": ("plain", "circle-x"),
    "valid": ("ok", "circle-check"),
    "locked": ("plain", "lock"),
    "held": ("warn", "lock"),
    "pending": ("warn", "hourglass"),
    "delivered": ("ok", "circle-check"),
    "given_up": ("bad", "circle-x"),
    "approved": ("ok", "check"),
    "dismissed": ("plain", "x"),
    "superseded": ("plain", "history"),
}
#: A text that was cut off goes on to the end, so that it is read once.
_JSON_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*+")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*+(?:"|\\?\Z))'
    r"|(?P<word>\b(?:true|false|null)\b)"
)
#: A moment as the audit log keeps it.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z")
#: How accounts.pages.undoing.done marks a notice.
UNDO = "undo-"
JSON_SHOWN = 20_000
SHORT = 22


# ------------------------------------------------------------------ leaves


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of static/icons.svg. Hidden from screen readers unless it has a label."""
    return _icon(name, label)


@functools.lru_cache(maxsize=512)
def _icon(name: str, label: str) -> SafeString:
    """Kept, since a list has hundreds of a few."""
    hidden = SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="icon" {} focusable="false"><use href="{}#{}"></use></svg>',
        format_html('role="img" aria-label="{}"', label) if label else hidden,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def badge(kind: str, text: str) -> SafeString:
    """A state as a word with an icon. kind: one of BADGES."""
    look, name = BADGES[kind]
    return _badge(look, name, text)


@register.simple_tag
def status_badge(status: int) -> SafeString:
    """An HTTP status: the number, and a word for it."""
    if status < 400:
        look, name, word = "ok", "circle-check", "Done"
    elif status < 500:
        look, name, word = "warn", "circle-alert", "Refused"
    else:
        look, name, word = "bad", "triangle-alert", "Failed"
    return _badge(look, name, f"{status} {word}")


def _badge(look: str, icon_name: str, text: str) -> SafeString:
    """A short one stays on one line; a name that somebody chose may be long."""
    return format_html(
        '<span class="badge badge-{}{}">{}<span>{}</span></span>',
        look,
        " one-line" if len(text) <= SHORT else "",
        icon(icon_name),
        text,
    )


@register.simple_tag
def when(moment: dt.datetime | None, *, ago: bool = False, missing: str = "Never") -> SafeString:
    """A moment in the reader's zone, the exact one in UTC as its title."""
    return _told(moment, "{0:%b} {0.day}, {0:%Y, %H:%M} {1}", ago=ago, missing=missing)


@register.simple_tag
def day(moment: dt.datetime | None, *, ago: bool = False, missing: str = "Never") -> SafeString:
    """The day of a moment, where the hour does not matter; the exact moment as its title."""
    return _told(moment, "{0:%b} {0.day}, {0:%Y}", ago=ago, missing=missing)


@register.simple_tag
def ago(moment: dt.datetime) -> SafeString:
    """How long ago alone, the exact moment as its title."""
    return _time(moment, distance(moment))


def _told(moment: dt.datetime | None, form: str, *, ago: bool, missing: str) -> SafeString:
    if moment is None:
        return format_html('<span class="soft">{}</span>', missing)
    local = timezone.localtime(moment)
    shown = _time(moment, form.format(local, zones.short(local)))
    if not ago:
        return shown
    return format_html('{} <span class="soft ago">{}</span>', shown, distance(moment))


def _time(moment: dt.datetime, shown: str) -> SafeString:
    moment = moment.astimezone(dt.UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="milliseconds"),
        f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        shown,
    )


@register.filter
def zone_name(name: str) -> str:
    """A zone as people read it: "Berlin" of "Europe/Berlin", its region standing above."""
    return name.partition("/")[2].replace("_", " ").replace("/", " / ")


def distance(moment: dt.datetime) -> str:
    """How long ago or ahead, in one unit: "3 minutes ago", "in 12 days"."""
    seconds = int((moment - clock.now()).total_seconds())
    ahead, seconds = seconds > 0, abs(seconds)
    if seconds < 45:
        return "in a moment" if ahead else "just now"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        number = seconds // size
        if number:
            text = f"{number:,} {unit}{'' if number == 1 else 's'}"
            return f"in {text}" if ahead else f"{text} ago"
    return "just now"


@register.filter
def within_days(moment: dt.datetime, days: int) -> bool:
    """Whether the moment comes (or came) before so many days from now."""
    return moment <= clock.now() + dt.timedelta(days=days)


@register.filter
def last_owner(kind: str, owners: int) -> bool:
    """Whether an admin of that role is the only one who can manage admins."""
    return kind == "owner" and owners < 2


@register.filter
def number(value: int) -> str:
    """12,345 with its thousands marked."""
    return f"{value:,}"


@register.filter
def mail_reason(error: str) -> str:
    """Why an e-mail could not be sent, as a sentence."""
    return mail.reason(error)


@register.filter
def inactive(person: Any) -> bool:
    """Whether every application that knows the person says that they are not active."""
    links = person.shown_links
    return bool(links) and not any(link.active for link in links)


@register.filter
def undo_of(message: Any) -> str:
    """The line of the audit log that a notice offers to undo (accounts.pages.undoing.done)."""
    tag = message.extra_tags or ""
    return tag.removeprefix(UNDO) if tag.startswith(UNDO) else ""


@register.filter
def initials(name: str) -> str:
    """One or two letters for the round mark beside a name."""
    words = [word for word in re.split(r"[\s._-]+", name.split("@")[0]) if word[:1].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@register.inclusion_tag("ui/stat.html")
def stat(label: str, value: Any, hint: str = "", tone: str = "") -> dict[str, Any]:
    """One number with its name. tone: "", "warn" or "bad"."""
    return {"label": label, "value": value, "hint": hint, "tone": tone}


@register.inclusion_tag("ui/seat_bar.html")
def seat_bar(
    purchased: int, activated: int, provisioned: int, *, legend: bool = True
) -> dict[str, Any]:
    """Seats of a pool as a bar with its legend: activated, provisioned, free, over.

    Drawn in 1000 units across, so that no style attribute is needed.
    """
    held = activated + provisioned
    whole = max(purchased, held, 1)
    free, over = max(0, purchased - held), max(0, held - purchased)

    def units(part: int) -> int:
        return round(1000 * part / whole)

    return {
        "purchased": purchased,
        "held": held,
        "activated": activated,
        "provisioned": provisioned,
        "free": free,
        "over": over,
        "activated_width": units(activated),
        "provisioned_width": units(provisioned),
        "held_width": units(activated) + units(provisioned),
        "over_start": 1000 - units(over),
        "over_width": units(over),
        "legend": legend,
    }


@register.inclusion_tag("ui/chart_line.html")
def chart_line(identifier: str, title: str, chart: charts.Lines) -> dict[str, Any]:
    """Numbers over time as lines, with their table beneath. identifier: unique on the page."""
    return {"id": identifier, "title": title, "chart": chart}


@register.inclusion_tag("ui/chart_bars.html")
def chart_bars(title: str, chart: charts.Bars) -> dict[str, Any]:
    """Numbers beside each other as bars. The table beneath is the page's own."""
    return {"title": title, "chart": chart}


@register.inclusion_tag("ui/copy.html")
def copy(identifier: str, label: str, value: str) -> dict[str, str]:
    """A value to take elsewhere: readable and selectable without JavaScript."""
    return {"id": identifier, "label": label, "value": value}


@register.inclusion_tag("ui/secret_once.html")
def secret_once(identifier: str, label: str, value: str) -> dict[str, str]:
    """A secret that is shown one time, with the warning that it is."""
    return {"id": identifier, "label": label, "value": value}


@register.inclusion_tag("ui/pager.html")
def pager(page: Page, what: str = "rows") -> dict[str, Any]:
    """Which rows are shown, and links to the pages beside; other parameters stay."""
    return {"page": page, "what": what}


@register.inclusion_tag("ui/crumbs.html")
def crumbs(*parts: str) -> dict[str, Any]:
    """Where the page stands: label, address, label, address, … and the page's own label."""
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    return {"pairs": pairs, "here": parts[-1] if len(parts) % 2 else ""}


@register.inclusion_tag("ui/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """A form field with label, help and error, joined by aria-describedby."""
    choices = isinstance(bound.field.widget, RadioSelect | CheckboxSelectMultiple)
    return {"field": bound, "kind": bound.widget_type, "choices": choices}


@register.inclusion_tag("ui/select.html")
def select(
    name: str, label: str, choices: Any, chosen: Any, *, empty: str = "", keep: bool = False
) -> dict[str, Any]:
    """A choice of a filter bar. choices: a mapping or pairs of value and label, rows, or words.
    empty: what no choice is called. keep: what was chosen is offered, if choices lack it too."""
    options = [
        (each, each)
        if isinstance(each, str)
        else each
        if isinstance(each, tuple)
        else (each.pk, each)
        for each in (choices.items() if isinstance(choices, dict) else choices)
    ]
    pairs = [(str(value), text) for value, text in options]
    chosen = "" if chosen is None else str(chosen)
    if keep and chosen and chosen not in dict(pairs):
        pairs.append((chosen, chosen))
    return {"name": name, "label": label, "options": pairs, "chosen": chosen, "empty": empty}


@register.inclusion_tag("ui/form_errors.html")
def form_errors(form: BaseForm) -> dict[str, Any]:
    """The summary above a form that was refused, with links to the fields."""
    return {"form": form, "fields": [bound for bound in form if bound.errors]}


@register.simple_tag(takes_context=True)
def sort_th(context: Context, key: str, label: str) -> SafeString:
    """A column head that sorts: a real link, with aria-sort on the cell (`sort` in context)."""
    current = context.get("sort", "")
    down = current == f"-{key}"
    active = down or current == key
    query = paging.from_the_beginning(context["request"].GET)
    query["sort"] = f"-{key}" if current == key else key
    return format_html(
        '<th scope="col"{}><a class="sort" href="?{}">{}{}</a></th>',
        format_html(' aria-sort="{}"', "descending" if down else "ascending") if active else "",
        query.urlencode(),
        label,
        icon("arrow-down" if down else "arrow-up" if active else "chevrons-up-down"),
    )


@register.simple_tag
def json_view(document: Any, label: str) -> SafeString:
    """A JSON document, indented, its keys and words told apart. Long ones are cut, and say so."""
    if document is None:
        return mark_safe('<p class="soft">Nothing was sent.</p>')
    text = json.dumps(document, indent=2, ensure_ascii=False)
    cut = len(text) - JSON_SHOWN
    note = (
        format_html('<p class="soft">{} more characters are not shown.</p>', f"{cut:,}")
        if cut > 0
        else ""
    )
    return format_html(
        '<pre class="json" tabindex="0" role="region" aria-label="{}"><code>{}</code></pre>{}',
        label,
        _coloured(text[:JSON_SHOWN]),
        note,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A value before and after; None is not there."""

    label: str
    before: Any
    after: Any


@register.filter
def changed_to(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[Change]:
    """What differs between the values that the audit log keeps, for `diff`."""
    before, after = before or {}, after or {}

    def of(values: dict[str, Any], name: str) -> Any:
        value = values.get(name)
        return "" if value is None and name in values else value

    return [
        Change(
            name.replace("_", " ").capitalize().replace("Scim", "SCIM"),
            of(before, name),
            of(after, name),
        )
        for name in sorted({**before, **after})
    ]


@register.inclusion_tag("ui/diff.html")
def diff(changes: Iterable[Any]) -> dict[str, Any]:
    """Values as they were and as they are. changes: each with label, before and after, of which
    one may be None: it is not there."""
    return {
        "rows": [
            {
                "label": change.label,
                "before": "" if change.before is None else _shown(change.before),
                "after": "" if change.after is None else _shown(change.after),
            }
            for change in changes
        ]
    }


def _shown(value: Any) -> str:
    """A value of JSON, for people."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if value in (None, "", []):
        return "Nothing"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        moment = dt.datetime.fromisoformat(value)
        return f"{moment:%b} {moment.day}, {moment:%Y, %H:%M} UTC"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _coloured(text: str) -> SafeString:
    parts, end = [], 0
    for match in _JSON_TOKEN.finditer(text):
        parts.append(escape(text[end : match.start()]))
        parts.append(format_html('<span class="json-{}">{}</span>', match.lastgroup, match[0]))
        end = match.end()
    parts.append(escape(text[end:]))
    return mark_safe("".join(parts))  # noqa: S308  every part is escaped


@register.simple_tag(takes_context=True)
def panels(context: Context, place: str, **about: Any) -> SafeString:
    """What higher apps show at this place (accounts.pages.panels)."""
    return registry.render(place, context["request"], **about)


# ------------------------------------------------------------------ around content


def _wrap(component: str, content: str, **values: Any) -> SafeString:
    return mark_safe(  # noqa: S308  a rendered template
        render_to_string(f"ui/{component}.html", {"content": content, **values})
    )


@register.simple_block_tag
def card(
    content: str, title: str, *, link: str = "", link_text: str = "", hint: str = "", id: str = ""
) -> SafeString:
    """A titled part of a page, with a link at its head when there is more elsewhere."""
    return _wrap("card", content, title=title, link=link, link_text=link_text, hint=hint, id=id)


@register.simple_block_tag
def table(content: str, label: str, *, fits: bool = False) -> SafeString:
    """The shell of a table: scrolls by itself when narrow, and is named for that.
    fits: has few enough columns for a wide window, where its head then stays in sight."""
    return format_html(
        '<div class="table{}" tabindex="0" role="region" aria-label="{}"><table>{}</table></div>',
        " table-fits" if fits else "",
        label,
        content,
    )


@register.simple_block_tag
def notice(content: str, kind: str, title: str = "", *, alert: bool = False) -> SafeString:
    """A sentence that matters. kind: info, ok, warn or bad. alert: read out at once."""
    icons = {"info": "info", "ok": "circle-check", "warn": "triangle-alert", "bad": "circle-alert"}
    return _wrap("notice", content, kind=kind, title=title, icon_name=icons[kind], alert=alert)


@register.simple_block_tag
def empty_state(content: str, title: str, icon_name: str = "inbox") -> SafeString:
    """Nothing is here yet: why, and the next step."""
    return _wrap("empty_state", content, title=title, icon_name=icon_name)


@register.simple_block_tag
def dialog(content: str, id: str, title: str) -> SafeString:
    """A question over the page. app.js opens it for links with data-dialog="ID"; those
    links lead to a page that asks the same, for whoever has no JavaScript."""
    return _wrap("dialog", content, id=id, title=title)


@register.simple_block_tag
def steps(content: str) -> SafeString:
    """A numbered guide: <li> elements, each with a heading."""
    return format_html('<ol class="steps">{}</ol>', content)


@register.simple_tag
def facts(*parts: Any) -> SafeString:
    """A list of name and value: label, value, label, value, …; an empty value is a dash."""
    rows = format_html_join(
        "",
        "<div><dt>{}</dt><dd>{}</dd></div>",
        (
            (label, value if value not in (None, "") else mark_safe('<span class="soft">–</span>'))
            for label, value in zip(parts[::2], parts[1::2], strict=True)
        ),
    )
    return format_html('<dl class="facts">{}</dl>', rows)
