"""How Sphinx builds the documentation: ``nox -s docs``, or ``sphinx-build --fail-on-warning docs docs/_build``. Works offline."""

from integrakit import __version__

project = "integrakit"
author = "the integrakit authors"
copyright = "the integrakit authors, Apache-2.0"
release = __version__
version = ".".join(__version__.split(".")[:2])

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"integrakit {release}"
# The pages' own language for code that names none.
highlight_language = "python"
