"""Auths that sign each request as it will be sent, byte for byte: OAuth 1 and AWS Signature Version 4. Keys never go over the wire."""

from integrakit.http.signing.oauth1 import OAuth1
from integrakit.http.signing.sigv4 import AWSCredentials, AWSSigV4

__all__ = ["AWSCredentials", "AWSSigV4", "OAuth1"]
