"""The Admin API at /api/v1: what a page can do, a program can do.

Views translate only: `operations` checks scope, query and body, `problems` turns every refusal
into RFC 9457, `paging` walks long lists, `idempotency` answers a repeated write as before.
"""
