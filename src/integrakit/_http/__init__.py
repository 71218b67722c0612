"""The one package that knows httpx and httpx2: how a `Request` becomes theirs, and how their errors become ours."""

from integrakit._http.encoding import check_files, encode_params
from integrakit._http.wire import Wire

__all__ = ["Wire", "check_files", "encode_params"]
