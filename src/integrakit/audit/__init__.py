"""Every exchange on record: an append-only log whose records hang together by hashes, so that what was changed, removed or reordered is found."""

from integrakit.audit.chain import Head, SignedHead, verify_head
from integrakit.audit.log import AuditLog
from integrakit.audit.record import AuditRecord
from integrakit.audit.verifying import Problem, Verification

__all__ = ["AuditLog", "AuditRecord", "Head", "Problem", "SignedHead", "Verification", "verify_head"]
