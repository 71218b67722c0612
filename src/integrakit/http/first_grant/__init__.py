"""The first grant: a person says yes once, in a browser or on another device, and an `OAuth2RefreshToken` carries it on from there.

Each function is there twice: ``authorise_…`` for blocking code, ``aauthorise_…`` for async code.
"""

from integrakit.http.first_grant.browser import aauthorise_in_browser, authorise_in_browser
from integrakit.http.first_grant.device import aauthorise_device, authorise_device

__all__ = ["aauthorise_device", "aauthorise_in_browser", "authorise_device", "authorise_in_browser"]
