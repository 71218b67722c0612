"""OAuth 2 as auths of a client: tokens that are asked for, kept, and renewed exactly once over tasks, threads and processes.

A first grant by a person, in a browser or on a device, is in `integrakit.http.first_grant`.
"""

from integrakit.http.oauth.client_credentials import OAuth2ClientCredentials
from integrakit.http.oauth.jwt_bearer import OAuth2JWTBearer
from integrakit.http.oauth.refresh_token import OAuth2RefreshToken

__all__ = ["OAuth2ClientCredentials", "OAuth2JWTBearer", "OAuth2RefreshToken"]
