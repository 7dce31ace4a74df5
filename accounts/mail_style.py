"""How e-mails look: one style sheet, in the head of each of them.

Short, with tables for figures alone, readable where a mail program leaves it out, in light and
dark. Colours are those of static/app.css, written out: mail programs know no variables.
"""

import base64
import hashlib

from django.utils.safestring import SafeString

STYLE = SafeString("""
body { margin: 0; padding: 24px 12px; background: #f6f6f4; color: #1c2024;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
.sheet { max-width: 560px; margin: 0 auto; }
.name { margin: 0 0 12px 4px; font-size: 15px; font-weight: 600; color: #0a5fb8; }
.paper { padding: 28px; background: #ffffff; border: 1px solid #e3e4e1; border-radius: 10px; }
h1 { margin: 0 0 16px; font-size: 22px; line-height: 1.3; font-weight: 650;
  overflow-wrap: anywhere; }
h2 { margin: 0 0 4px; font-size: 16px; line-height: 1.4; font-weight: 600;
  overflow-wrap: anywhere; }
p { margin: 0 0 14px; overflow-wrap: anywhere; }
.paper > :last-child { margin-bottom: 0; }
a { color: #0a5fb8; }
.button { display: inline-block; margin: 6px 0 8px; padding: 11px 20px; border-radius: 7px;
  background: #0a5fb8; color: #ffffff; font-weight: 600; text-decoration: none; }
.address { color: #596068; font-size: 13px; line-height: 1.5; }
.part { margin: 0 0 16px; padding: 14px 0 0; border-top: 1px solid #e3e4e1; }
.part p { margin: 0 0 6px; }
.foot { padding: 16px 4px 0; color: #596068; font-size: 13px; line-height: 1.5; }
.foot p { margin: 0 0 6px; }
.foot a { color: #4f565e; }
.wide { margin: 0 0 14px; overflow-x: auto; }
.figures { width: 100%; border-collapse: collapse; font-size: 13px; line-height: 1.4; }
.figures th, .figures td { padding: 7px 6px; border-bottom: 1px solid #e3e4e1; text-align: right;
  vertical-align: top; white-space: nowrap; font-weight: 400; }
.figures th { font-weight: 600; }
.figures thead th { white-space: normal; vertical-align: bottom; }
.figures th:first-child { padding-left: 0; text-align: left; white-space: normal; }
.pre { display: none; max-height: 0; overflow: hidden; }
@media (max-width: 480px) { .paper { padding: 20px; } }
@media (prefers-color-scheme: dark) {
  body { background: #121417; color: #e9ebee; }
  .paper { background: #1a1d21; border-color: #2d3238; }
  .name, a { color: #7cb8f7; }
  .button { background: #7cb8f7; color: #0d1b2a; }
  .address, .foot, .foot a { color: #a4acb6; }
  .part, .figures th, .figures td { border-color: #2d3238; }
}
""")  # fmt: skip

#: For the policy of the page that shows an e-mail: this style, and no other.
SOURCE = "'sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode() + "'"
