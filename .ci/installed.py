"""What an installed integrakit must be able to do without any extra. Run outside the checkout, by the Python that it was installed for."""

from importlib import metadata, resources
from pathlib import Path

import integrakit

assert Path(integrakit.__file__).parts[-3] == "site-packages", integrakit.__file__
assert resources.files("integrakit").joinpath("py.typed").is_file()
assert metadata.version("integrakit") == integrakit.__version__
assert any(file.name == "LICENSE" for file in metadata.files("integrakit") or [])
for name in integrakit.__all__:
    getattr(integrakit, name)
