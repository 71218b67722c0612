"""What type checkers see of the top level: real types, not ``Any``. Checked by mypy and pyright, never run."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import integrakit as ik
from integrakit.runtimes import Runtime
from integrakit.unset import Unset

assert_type(ik.__version__, str)
assert_type(ik.runtime(), Runtime)
assert_type(ik.Page([]), ik.Page)

error: type[ik.IntegrakitError] = ik.errors.RateLimited
client: type[ik.http.Client] = ik.Client


async def answer() -> int:
    return 42


assert_type(ik.run(answer()), int)
ik.run(answer)  # type: ignore[arg-type]
ik.Clientt  # type: ignore[attr-defined]


def said(phone: str | Unset | None) -> str | None:
    """``is UNSET`` narrows."""
    if phone is ik.UNSET:
        return "nothing"
    assert_type(phone, str | None)
    return phone
