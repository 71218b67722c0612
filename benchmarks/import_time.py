"""What ``import integrakit`` costs, and what the first client costs over ``import httpx``: CPU of whole fresh processes, medians, taken in turns.

Targets: the import at most 30 ms over a bare interpreter; the first client, import included, at most 1.25 times ``import httpx``. The start of the
interpreter is taken off all of them. Since a client may put off its work until it is used, the first request (refused: nothing listens) is shown too.
"""

from __future__ import annotations

from statistics import median

from _measure import options, process_cpu, show

PROGRAMS = {
    "bare Python": "pass",
    "import integrakit": "import integrakit",
    "import httpx": "import httpx",
    "first client": "import integrakit as ik; ik.Client('http://127.0.0.1:9')",
    "first request, httpx": """
import httpx
try:
    httpx.Client().get('http://127.0.0.1:9/')
except httpx.ConnectError: pass
""",
    "first request, integrakit": """
import integrakit as ik
try:
    ik.Client('http://127.0.0.1:9', retry=None).get('/')
except ik.errors.ConnectError: pass
""",
}


def main() -> None:
    arguments = options(__doc__ or "")
    rounds = 2 if arguments.quick else 31
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for number in range(-1, rounds):
        for name, program in PROGRAMS.items():
            measured = process_cpu(program)
            # The first round writes byte code and fills the file cache.
            if number >= 0:
                times[name].append(measured)
    cpu = {name: median(measured) * 1e3 for name, measured in times.items()}
    net = {name: value - cpu["bare Python"] for name, value in cpu.items()}
    rows: list[dict[str, object]] = [{"program": name, "CPU ms": cpu[name], "over bare ms": net[name]} for name in PROGRAMS]
    verdict: dict[str, object] = {
        "import integrakit, ms over bare Python (target: at most 30)": net["import integrakit"],
        "first client / import httpx (target: at most 1.25)": net["first client"] / net["import httpx"],
        "first request, integrakit / httpx": net["first request, integrakit"] / net["first request, httpx"],
    }
    show(f"imports, {rounds} fresh processes each", rows, verdict, as_json=arguments.json)


if __name__ == "__main__":
    main()
