"""The one package that knows httpx and httpx2: how a `Request` becomes theirs, and how their errors become ours."""

from integrakit._http.encoding import check_data, check_files, encode_params
from integrakit._http.handed import Handed, held_to_the_end
from integrakit._http.inner import Inner
from integrakit._http.wire import BODY_TO, Wire

__all__ = ["BODY_TO", "Handed", "Inner", "Wire", "check_data", "check_files", "encode_params", "held_to_the_end"]
