"""SCIM 2.0 in plain Python: what may come in, what it means, what goes out.

No Django and no database: every module is a subject, works on plain dictionaries, and says no
with a `ScimError` and nothing else, whatever the input. Source: RFC 7643, RFC 7644, RFC 9865.
"""
